//! Captures, byte by byte.

/// Bytes of a capture in one byte order.
#[derive(Clone, Default)]
pub(super) struct Make {
    pub(super) big_endian: bool,
    pub(super) bytes: Vec<u8>,
}

impl AsRef<[u8]> for Make {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Make {
    pub(super) fn new(big_endian: bool) -> Make {
        Make { big_endian, bytes: Vec::new() }
    }

    pub(super) fn u32(mut self, value: u32) -> Make {
        self.bytes.extend(if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() });
        self
    }

    pub(super) fn u16(mut self, value: u16) -> Make {
        self.bytes.extend(if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() });
        self
    }

    pub(super) fn raw(mut self, bytes: &[u8]) -> Make {
        self.bytes.extend(bytes);
        self
    }

    /// A pcap header: snap length 65535.
    pub(super) fn pcap(self, magic: u32, version: (u16, u16), link: u32) -> Make {
        self.u32(magic).u16(version.0).u16(version.1).u32(0).u32(0).u32(65_535).u32(link)
    }

    /// A pcap record with its extra header bytes.
    pub(super) fn record(self, time: (u32, u32), wire: u32, extra: &[u8], data: &[u8]) -> Make {
        self.u32(time.0).u32(time.1).u32(data.len() as u32).u32(wire).raw(extra).raw(data)
    }

    /// A pcapng block.
    pub(super) fn block(self, kind: u32, body: impl FnOnce(Make) -> Make) -> Make {
        let mut body = body(Make::new(self.big_endian));
        body.bytes.resize(body.bytes.len().next_multiple_of(4), 0);
        let total = body.bytes.len() as u32 + 12;
        self.u32(kind).u32(total).raw(&body.bytes).u32(total)
    }

    pub(super) fn section(self) -> Make {
        self.block(0x0a0d_0d0a, |body| body.u32(0x1a2b_3c4d).u16(1).u16(0).raw(&[0xff; 8]))
    }

    pub(super) fn interface(self, link: u16, snap_len: u32, options: &[(u16, &[u8])]) -> Make {
        self.block(1, |body| {
            options.iter().fold(body.u16(link).u16(0).u32(snap_len), |body, (code, value)| {
                let mut body = body.u16(*code).u16(value.len() as u16).raw(value);
                body.bytes.resize(body.bytes.len().next_multiple_of(4), 0);
                body
            })
        })
    }

    pub(super) fn enhanced(self, interface: u32, ticks: u64, wire: u32, data: &[u8]) -> Make {
        self.block(6, |body| {
            body.u32(interface).u32((ticks >> 32) as u32).u32(ticks as u32).u32(data.len() as u32).u32(wire).raw(data)
        })
    }

    pub(super) fn simple(self, wire: u32, data: &[u8]) -> Make {
        self.block(3, |body| body.u32(wire).raw(data))
    }
}

/// A pcap file of frames of 20 bytes, one per given second, whose first byte is given.
pub(super) fn seconds(times: &[(u32, u8)]) -> Make {
    let file = Make::new(false).pcap(0xa1b2_c3d4, (2, 4), 1);
    times.iter().fold(file, |file, (second, first)| file.record((*second, 0), 20, &[], &[*first; 20]))
}
