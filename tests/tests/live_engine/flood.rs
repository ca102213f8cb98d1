//! A flood of new flows costs no finding about a camera, and no memory beyond the table.

use super::*;

const MAX_FLOWS: usize = 1_000;
const FLOWS: u32 = 20_000;

impl Site {
    /// One packet of a new flow between hosts that nobody watches.
    fn stranger(&mut self, number: u32) {
        let [_, high, middle, low] = number.to_be_bytes();
        let from = SocketAddr::from(([10, 30, high + 1, middle], 1_024 + u16::from(low)));
        let packet = Packet::udp(from, addr("10.30.0.9:5004")).payload(number.to_be_bytes());
        self.send(packet, Mac([2, 0, 0, 0, 0, 1]), Mac([2, 0, 0, 0, 0, 2]), &[300]);
    }
}

#[test]
fn the_one_violation_in_a_flood_is_found_and_what_leaves_is_counted() {
    let options = Options { max_flows: MAX_FLOWS, ..Options::default() };
    let mut site = Site::stopped(policy(str::to_owned));
    site.engine = Engine::new(policy(str::to_owned), VendorTable::builtin(), options);
    site.up();
    site.clean(5);
    for number in 0..FLOWS {
        site.stranger(number);
        if number == FLOWS / 2 {
            site.egress(50_000);
        }
        if number % 1_000 == 0 {
            site.clean(1);
        }
    }
    site.tick(1);
    assert_eq!((site.verdict(), site.story()), (Verdict::Violated, vec!["opened internet-egress".to_owned()]));
    let finding = site.published().snapshot.findings[0].clone();
    assert_eq!((finding.severity, finding.peers[0].packets_out, finding.peers[0].packets_in), ("critical", 2, 1));
    // Two flows are the camera's, and stay.
    let totals = site.published().totals;
    assert_eq!((totals.active, totals.evicted), (1_000, [u64::from(FLOWS) + 2 - 1_000, 0]));
    assert!(site.published().snapshot.devices.iter().all(|device| device.reasons.is_empty()), "nobody is in doubt");
}
