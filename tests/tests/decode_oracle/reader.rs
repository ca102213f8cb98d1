//! A second, deliberately plain reader of pcap and pcapng, so that this test does not rest on the agent's own.
//! It stops where a file is damaged.

/// One packet record.
pub struct Record {
    pub link_type: u32,
    pub wire_len: u32,
    pub data: Vec<u8>,
}

/// All packet records in front of the end or of the first damage.
pub fn records(file: &[u8]) -> Vec<Record> {
    let mut out = Vec::new();
    match file.first_chunk() {
        Some([0x0a, 0x0d, 0x0d, 0x0a]) => pcapng(file, &mut out),
        Some([0xa1, 0xb2, 0xc3, 0xd4] | [0xa1, 0xb2, 0x3c, 0x4d]) => pcap(file, Order::Big, 16, &mut out),
        Some([0xd4, 0xc3, 0xb2, 0xa1] | [0x4d, 0x3c, 0xb2, 0xa1]) => pcap(file, Order::Little, 16, &mut out),
        // The "modified" format of Alexey Kuznetzov has 8 more bytes in front of each packet.
        Some([0xa1, 0xb2, 0xcd, 0x34]) => pcap(file, Order::Big, 24, &mut out),
        Some([0x34, 0xcd, 0xb2, 0xa1]) => pcap(file, Order::Little, 24, &mut out),
        _ => None,
    };
    out
}

#[derive(Clone, Copy)]
enum Order {
    Big,
    Little,
}

impl Order {
    fn u32(self, data: &[u8], at: usize) -> Option<u32> {
        let bytes = *data.get(at..)?.first_chunk()?;
        Some(match self {
            Order::Big => u32::from_be_bytes(bytes),
            Order::Little => u32::from_le_bytes(bytes),
        })
    }

    fn u16(self, data: &[u8], at: usize) -> Option<u32> {
        let bytes = *data.get(at..)?.first_chunk()?;
        Some(u32::from(match self {
            Order::Big => u16::from_be_bytes(bytes),
            Order::Little => u16::from_le_bytes(bytes),
        }))
    }
}

fn pcap(file: &[u8], order: Order, header: usize, out: &mut Vec<Record>) -> Option<()> {
    let link_type = order.u32(file, 20)? & 0xffff;
    let mut at = 24;
    loop {
        let length = order.u32(file, at + 8)? as usize;
        let wire_len = order.u32(file, at + 12)?;
        let data = file.get(at + header..(at + header).checked_add(length)?)?.to_vec();
        out.push(Record { link_type, wire_len, data });
        at += header + length;
    }
}

fn pcapng(file: &[u8], out: &mut Vec<Record>) -> Option<()> {
    let mut order = Order::Little;
    let mut interfaces: Vec<(u32, u32)> = Vec::new();
    let mut at = 0;
    loop {
        if file.get(at..at + 4)? == [0x0a, 0x0d, 0x0d, 0x0a] {
            order = if file.get(at + 8)? == &0x4d { Order::Little } else { Order::Big };
            interfaces.clear();
        }
        let length = order.u32(file, at + 4)? as usize;
        let block = file.get(at..at.checked_add(length)?).filter(|block| block.len() >= 12)?;
        match order.u32(block, 0)? {
            1 => interfaces.push((order.u16(block, 8)?, order.u32(block, 12)?)),
            kind @ (2 | 6) => {
                let interface = if kind == 6 { order.u32(block, 8)? } else { order.u16(block, 8)? };
                let captured = order.u32(block, 20)? as usize;
                out.push(Record {
                    link_type: interfaces.get(interface as usize)?.0,
                    wire_len: order.u32(block, 24)?,
                    data: block.get(28..28usize.checked_add(captured)?)?.to_vec(),
                });
            }
            3 => {
                let &(link_type, snap) = interfaces.first()?;
                let wire_len = order.u32(block, 8)?;
                let captured = if snap == 0 { wire_len } else { wire_len.min(snap) } as usize;
                out.push(Record { link_type, wire_len, data: block.get(12..12usize.checked_add(captured)?)?.to_vec() });
            }
            _ => {}
        }
        at += length;
    }
}
