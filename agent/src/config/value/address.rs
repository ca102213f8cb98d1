//! MAC and IP addresses, and prefixes.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::{IpNet, Ipv4Net};

use super::Wrong;
use crate::base::Mac;
use crate::config::problem::quoted;
use crate::policy::embedded_ipv4;

/// The MAC of one device, in any usual notation.
pub(in crate::config) fn mac(text: &str) -> Result<Mac, Wrong> {
    let mac: Mac = text.parse().map_err(|_| {
        Wrong::new(format!("{} is no MAC address", quoted(text)))
            .help("write 12 hexadecimal digits, as in `44:19:b6:01:02:03`")
    })?;
    match mac {
        Mac::ZERO | Mac::BROADCAST => Err(Wrong::new(format!("{mac} is no device's address"))),
        mac if mac.is_group() => Err(Wrong::new(format!("{mac} is a multicast address"))),
        mac => Ok(mac),
    }
}

/// An address in its plain form: not IPv4 written as IPv6, because that is judged by the IPv4 address in it.
fn address(text: &str) -> Result<IpAddr, Wrong> {
    let ip: IpAddr = text.parse().map_err(|_| not_an_address(text))?;
    match embedded_ipv4(ip) {
        Some(v4) => Err(Wrong::new(format!("{} is judged by the IPv4 address in it", quoted(text))).did_you_mean(v4)),
        None => Ok(ip),
    }
}

/// The address of one host.
pub(in crate::config) fn host(text: &str) -> Result<IpAddr, Wrong> {
    let ip = address(text)?;
    let broadcast = ip == IpAddr::V4(Ipv4Addr::BROADCAST);
    if ip.is_multicast() || ip.is_unspecified() || ip.is_loopback() || broadcast {
        return Err(Wrong::new(format!("{ip} is no host's address")));
    }
    Ok(ip)
}

/// A prefix without host bits.
pub(in crate::config) fn prefix(text: &str) -> Result<IpNet, Wrong> {
    let Some((ip, length)) = text.split_once('/') else {
        return Err(match address(text) {
            Ok(ip) => Wrong::new(format!("{} has no prefix length", quoted(text)))
                .help(format!("this one address is `{}`", IpNet::from(ip))),
            Err(wrong) => wrong,
        });
    };
    let ip: IpAddr =
        ip.parse().map_err(|_| Wrong { message: format!("{} is no prefix", quoted(text)), ..not_an_address(ip) })?;
    let max = if ip.is_ipv4() { 32 } else { 128 };
    let length = match length.parse::<u8>() {
        Ok(bits) if bits <= max && length.bytes().all(|b| b.is_ascii_digit()) => bits,
        _ => return Err(bad_length(text, ip, length, max)),
    };
    let net = IpNet::new(ip, length).map_err(|_| bad_length(text, ip, "", max))?;
    if net.trunc() != net {
        return Err(Wrong::new(format!("{} has host bits set", quoted(text))).did_you_mean(net.trunc()));
    }
    if embeds_ipv4(&net) {
        let wrong = Wrong::new(format!("addresses in {} are judged by the IPv4 address in them", quoted(text)));
        return Err(match embedded_net(&net) {
            Some(v4) if v4.prefix_len() >= 8 => wrong.did_you_mean(v4),
            _ => wrong.help("write the IPv4 prefix"),
        });
    }
    Ok(net)
}

/// An address, or a prefix without host bits.
pub(in crate::config) fn host_or_prefix(text: &str) -> Result<IpNet, Wrong> {
    if text.contains('/') { prefix(text) } else { host(text).map(IpNet::from) }
}

/// The whole prefix is one of those whose addresses embed an IPv4 address.
fn embeds_ipv4(net: &IpNet) -> bool {
    embedded_ipv4(net.network()).is_some() && embedded_ipv4(net.broadcast()).is_some()
}

fn embedded_net(net: &IpNet) -> Option<Ipv4Net> {
    let six_to_four = matches!(net.addr(), IpAddr::V6(ip) if ip.segments()[0] == 0x2002);
    let length = net.prefix_len().checked_sub(if six_to_four { 16 } else { 96 })?.min(32);
    Ipv4Net::new(embedded_ipv4(net.network())?, length).ok()
}

fn not_an_address(text: &str) -> Wrong {
    let wrong = Wrong::new(format!("{} is no IP address", quoted(text)));
    let octets: Vec<&str> = text.split('.').collect();
    let plain: Option<Vec<u8>> = octets.iter().map(|octet| octet.parse().ok()).collect();
    match plain.as_deref() {
        Some(&[a, b, c, d]) => wrong.did_you_mean(Ipv4Addr::new(a, b, c, d)),
        _ if text.contains('/') => wrong.help("write one address, without a length"),
        _ if text.contains('%') => wrong.help("leave out the interface after `%`"),
        _ if text.chars().any(|c| c.is_ascii_alphabetic() && !c.is_ascii_hexdigit()) => {
            wrong.help("names are not looked up: write the address")
        }
        _ => wrong,
    }
}

fn bad_length(text: &str, ip: IpAddr, length: &str, max: u8) -> Wrong {
    let wrong = Wrong::new(format!("{} is no prefix: its length must be 0 to {max}", quoted(text)));
    let mask = length.parse().ok().and_then(|mask: Ipv4Addr| ipnet::ipv4_mask_to_prefix(mask).ok());
    match (ip, mask) {
        (IpAddr::V4(_), Some(bits)) => wrong.did_you_mean(format_args!("{ip}/{bits}")),
        _ => wrong,
    }
}
