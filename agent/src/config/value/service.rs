//! Services of a conduit.

use super::{Wrong, nearest, quantity};
use crate::config::problem::quoted;
use crate::policy::Service;

/// Protocols that have ports, with their IANA numbers.
const PORTED: [(&str, u8); 3] = [("tcp", 6), ("udp", 17), ("sctp", 132)];

/// Services that people call by name. Ports: IANA service names registry; 8000 and 37777 are the makers' own.
const BY_NAME: [(&str, &str); 14] = [
    ("http", "tcp/80"),
    ("https", "tcp/443"),
    ("rtsp", "tcp/554"),
    ("ssh", "tcp/22"),
    ("telnet", "tcp/23"),
    ("ftp", "tcp/21"),
    ("smtp", "tcp/25"),
    ("smb", "tcp/445"),
    ("ntp", "udp/123"),
    ("dns", "udp/53"),
    ("snmp", "udp/161"),
    ("syslog", "udp/514"),
    ("hikvision", "tcp/8000"),
    ("dahua", "tcp/37777"),
];

/// `tcp/554`, `udp/5000-6000`, `udp/*`, `sctp/9`, `icmp`, `ip/47` or `any`.
pub(in crate::config) fn service(text: &str) -> Result<Service, Wrong> {
    match text {
        "any" => return Ok(Service::Any),
        "icmp" => return Ok(Service::Icmp),
        _ => {}
    }
    let Some((proto, ports)) = text.split_once('/') else { return Err(no_protocol(text)) };
    if proto == "ip" {
        return protocol_number(text, ports);
    }
    let Some(&(_, proto)) = PORTED.iter().find(|&&(name, _)| name == proto) else {
        let wrong = Wrong::new(format!("{} is no service", quoted(text)));
        let lower = proto.to_lowercase();
        return Err(match nearest(&lower, ["tcp", "udp", "sctp", "ip"]) {
            _ if lower.starts_with("icmp") => wrong.did_you_mean("icmp"),
            Some(near) if ports.len() < 16 && service(&format!("{near}/{ports}")).is_ok() => {
                wrong.did_you_mean(format_args!("{near}/{ports}"))
            }
            _ => wrong.help(EXAMPLES),
        });
    };
    if ports == "*" {
        return Ok(Service::Ip { proto, first: 0, last: u16::MAX });
    }
    let (first, last) = match ports.split_once('-') {
        Some((first, last)) => (port(text, first)?, port(text, last)?),
        None => port(text, ports).map(|port| (port, port))?,
    };
    if first > last {
        let name = PORTED.iter().find(|&&(_, number)| number == proto).map_or("", |&(name, _)| name);
        return Err(Wrong::new(format!("the ports of {} run backwards", quoted(text)))
            .did_you_mean(format_args!("{name}/{last}-{first}")));
    }
    Ok(Service::Ip { proto, first, last })
}

const EXAMPLES: &str = "services are written `tcp/554`, `udp/5000-6000`, `udp/*`, `icmp`, `ip/47` or `any`";

fn port(service: &str, text: &str) -> Result<u16, Wrong> {
    quantity::count(text)
        .ok()
        .and_then(|port| u16::try_from(port).ok())
        .filter(|&port| port > 0)
        .ok_or_else(|| Wrong::new(format!("{} is no service: ports are 1 to 65535", quoted(service))).help(EXAMPLES))
}

fn protocol_number(text: &str, number: &str) -> Result<Service, Wrong> {
    let wrong = || Wrong::new(format!("{} is no service: IP protocols are 0 to 255", quoted(text)));
    if number == "*" {
        return Err(wrong().did_you_mean("any"));
    }
    let number = quantity::count(number).map_err(|_| wrong().help(EXAMPLES))?;
    let proto = u8::try_from(number).map_err(|_| wrong().help(EXAMPLES))?;
    if let Some(&(name, _)) = PORTED.iter().find(|&&(_, number)| number == proto) {
        return Err(Wrong::new(format!("{} has ports", quoted(text))).did_you_mean(format_args!("{name}/*")));
    }
    if matches!(proto, 1 | 58) {
        return Ok(Service::Icmp);
    }
    Ok(Service::Ip { proto, first: 0, last: u16::MAX })
}

fn no_protocol(text: &str) -> Wrong {
    let wrong = Wrong::new(format!("{} is no service", quoted(text)));
    let lower = text.to_lowercase();
    if PORTED.iter().any(|&(name, _)| name == lower) {
        return wrong.did_you_mean(format_args!("{lower}/*"));
    }
    if let Some(&(_, meant)) = BY_NAME.iter().find(|&&(name, _)| name == lower) {
        return wrong.did_you_mean(meant);
    }
    if quantity::count(text).is_ok() {
        return wrong.did_you_mean(format_args!("tcp/{text}"));
    }
    match nearest(&lower, ["any", "icmp"]) {
        Some(near) => wrong.did_you_mean(near),
        None if matches!(&*lower, "all" | "*") => wrong.did_you_mean("any"),
        None => wrong.help(EXAMPLES),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_notation() {
        let ports = |proto, first, last| Ok(Service::Ip { proto, first, last });
        assert_eq!(service("tcp/554"), ports(6, 554, 554));
        assert_eq!(service("udp/5000-6000"), ports(17, 5000, 6000));
        assert_eq!(service("udp/*"), ports(17, 0, u16::MAX));
        assert_eq!(service("sctp/9"), ports(132, 9, 9));
        assert_eq!(service("ip/47"), ports(47, 0, u16::MAX));
        assert_eq!(
            (service("icmp"), service("ip/58"), service("any")),
            (Ok(Service::Icmp), Ok(Service::Icmp), Ok(Service::Any))
        );
    }

    #[test]
    fn says_what_was_meant() {
        for (text, hint) in [
            ("554", "tcp/554"),
            ("TCP/554", "tcp/554"),
            ("tpc/554", "tcp/554"),
            ("udp", "udp/*"),
            ("RTSP", "tcp/554"),
            ("ip/6", "tcp/*"),
            ("ip/*", "any"),
            ("all", "any"),
            ("icmp/8", "icmp"),
            ("icmp6/8", "icmp"),
            ("tcp/90-80", "tcp/80-90"),
        ] {
            let got = service(text).map_err(|wrong| wrong.hint);
            assert_eq!(got, Err(Some(format!("did you mean `{hint}`?"))), "{text}");
        }
        for text in ["", "/", "tcp/", "tcp/0", "tcp/65536", "tcp/1-", "tcp/+1", "tcp/080", "ip/256", "ip/", "any/1"] {
            assert!(service(text).is_err(), "{text}");
        }
    }
}
