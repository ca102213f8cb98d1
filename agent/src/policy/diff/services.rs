//! Sets of services: protocol and port as one number.

use super::ranges::Ranges;
use crate::policy::Service;

const PORTS: u128 = 65_536;
const PROTOCOLS: u128 = 256;
const ICMP: u128 = 1;
const ICMPV6: u128 = 58;

pub(super) fn all() -> Ranges {
    Ranges::of(0, PROTOCOLS * PORTS - 1)
}

pub(super) fn set(services: impl IntoIterator<Item = Service>) -> Ranges {
    Ranges::union(services.into_iter().flat_map(|service| match service {
        Service::Any => vec![(0, PROTOCOLS * PORTS - 1)],
        Service::Icmp => vec![whole(ICMP), whole(ICMPV6)],
        Service::Ip { proto, first, last } => vec![(number(proto, first), number(proto, last))],
    }))
}

pub(super) fn number(proto: u8, port: u16) -> u128 {
    u128::from(proto) * PORTS + u128::from(port)
}

fn whole(proto: u128) -> (u128, u128) {
    (proto * PORTS, proto * PORTS + PORTS - 1)
}

/// As the configuration writes them; runs of whole protocols as `ip/7-16`.
pub(super) fn written(set: &Ranges) -> Vec<String> {
    if *set == all() {
        return vec!["any".to_owned()];
    }
    let pings = Ranges::union([whole(ICMP), whole(ICMPV6)]);
    let holds_pings = pings.minus(set).is_empty();
    let rest = if holds_pings { set.minus(&pings) } else { set.clone() };
    let mut words = Vec::new();
    for (first, last) in rest.iter() {
        let (mut at, mut run) = (first, None::<(u128, u128)>);
        while at <= last {
            let proto = at / PORTS;
            let end = last.min(whole(proto).1);
            // A protocol with ports of its own is named by its word, so it stands alone.
            let joins = (at, end) == whole(proto) && !matches!(proto, 6 | 17 | 132);
            match run.as_mut().filter(|_| joins) {
                Some(run) => run.1 = proto,
                None => {
                    words.extend(run.take().map(protocols));
                    if joins {
                        run = Some((proto, proto));
                    } else {
                        let (from, to) = (at % PORTS, end % PORTS);
                        let service = Service::Ip { proto: proto as u8, first: from as u16, last: to as u16 };
                        words.push(service.to_string());
                    }
                }
            }
            at = end + 1;
        }
        words.extend(run.take().map(protocols));
    }
    if holds_pings {
        words.push("icmp".to_owned());
    }
    words
}

fn protocols((first, last): (u128, u128)) -> String {
    if first == last { format!("ip/{first}") } else { format!("ip/{first}-{last}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_written_as_the_configuration_writes_them() {
        let tcp = |first, last| Service::Ip { proto: 6, first, last };
        let whole = |proto| Service::Ip { proto, first: 0, last: u16::MAX };
        for (services, without, words) in [
            (vec![tcp(554, 554), tcp(80, 80)], vec![], vec!["tcp/80", "tcp/554"]),
            (vec![tcp(1, 100)], vec![tcp(80, 80)], vec!["tcp/1-79", "tcp/81-100"]),
            (vec![whole(17), Service::Icmp], vec![], vec!["udp/*", "icmp"]),
            (vec![whole(47), whole(48), whole(50)], vec![], vec!["ip/47-48", "ip/50"]),
            (vec![Service::Any], vec![], vec!["any"]),
            (
                vec![Service::Any],
                vec![Service::Icmp, whole(6)],
                vec!["ip/0", "ip/2-5", "ip/7-16", "udp/*", "ip/18-57", "ip/59-131", "sctp/*", "ip/133-255"],
            ),
        ] {
            assert_eq!(written(&set(services).minus(&set(without))), words);
        }
    }
}
