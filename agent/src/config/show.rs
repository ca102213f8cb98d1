//! The configuration as it is understood: every value, and where it comes from. What is printed loads again.

use std::fmt::{Display, Write};
use std::path::PathBuf;

use super::Loaded;
use crate::base::Timestamp;
use crate::policy::{Place, Service, Side, Untagged};

/// The effective configuration as YAML, with `file:line` or `default` beside each value.
pub fn show(loaded: &Loaded) -> String {
    let policy = &loaded.config.policy;
    let mut page = Page { loaded, text: String::new() };
    page.line(0, &format!("# sha256 {}, {} metric series", policy.hash, loaded.series), None);
    if !policy.site.is_empty() {
        page.setting("site", &text(&policy.site));
    }
    if !policy.sensor.is_empty() {
        page.setting("sensor", &text(&policy.sensor));
    }
    page.captures();
    page.zones();
    page.line(0, "watch:", None);
    page.nested("watch", "vendors", &list(policy.watch_vendors.iter().map(|vendor| text(vendor))));
    page.setting("internal", &list(policy.internal.iter().map(|net| text(&net.to_string()))));
    if !policy.domains.is_empty() {
        page.setting("domains", &list(policy.domains.iter().map(|domain| text(domain))));
    }
    page.conduits();
    page.devices();
    page.setting("edge_hops", &policy.edge_hops);
    page.setting("hold", &duration(policy.hold));
    page.line(0, "coverage:", None);
    page.nested("coverage", "silence", &duration(policy.coverage.silence));
    page.nested("coverage", "loss", &policy.coverage.loss);
    if !policy.severity.is_empty() {
        page.line(0, "severity:", None);
        for (kind, severity) in &policy.severity {
            page.nested("severity", kind, &severity.name());
        }
    }
    page.exceptions();
    page.dispositions();
    page.setting("listen", &text(&loaded.config.listen));
    page.setting("state_dir", &text(&loaded.config.state_dir.to_string_lossy()));
    page.alertmanager();
    page.evidence();
    page.sinks();
    page.text
}

struct Page<'a> {
    loaded: &'a Loaded,
    text: String,
}

/// Column of the remarks, where the value is not longer.
const REMARK_COLUMN: usize = 48;

impl Page<'_> {
    fn line(&mut self, indent: usize, content: &str, remark: Option<&str>) {
        let content = format!("{}{content}", " ".repeat(indent));
        // Writing to a string cannot fail.
        let _ = match remark {
            Some(remark) => {
                writeln!(self.text, "{content:<REMARK_COLUMN$}  # {}", remark.replace(char::is_control, " "))
            }
            None => writeln!(self.text, "{content}"),
        };
    }

    fn origin(&self, path: &str) -> String {
        let file = self.loaded.config.policy.file.as_deref().unwrap_or("");
        self.loaded.origins.get(path).map_or("default".to_owned(), |line| format!("{file}:{line}"))
    }

    fn setting(&mut self, key: &str, value: &dyn Display) {
        let origin = self.origin(key);
        self.line(0, &format!("{key}: {value}"), Some(&origin));
    }

    fn nested(&mut self, section: &str, key: &str, value: &dyn Display) {
        let origin = self.origin(&format!("{section}.{key}"));
        self.line(2, &format!("{key}: {value}"), Some(&origin));
    }

    fn captures(&mut self) {
        let captures = &self.loaded.config.captures;
        if captures.is_empty() {
            return;
        }
        self.line(0, "capture:", None);
        for (capture, at) in captures.iter().zip(0_usize..) {
            self.line(2, &format!("- interface: {}", text(&capture.interface)), Some(&place(&capture.place)));
            let untagged = match capture.untagged {
                Untagged::Reject => "reject".to_owned(),
                Untagged::Unknown => "unknown".to_owned(),
                Untagged::Vlan(vlan) => vlan.to_string(),
            };
            self.of_capture(at, "untagged", &untagged);
            if let Some(vlan) = capture.rspan_vlan {
                self.line(4, &format!("rspan_vlan: {vlan}"), None);
            }
            if !capture.decapsulate.is_empty() {
                self.line(
                    4,
                    &format!("decapsulate: {}", list(capture.decapsulate.iter().map(|t| t.name().to_owned()))),
                    None,
                );
            }
            self.of_capture(at, "buffer", &size(capture.buffer.into()));
            self.of_capture(at, "snap_length", &capture.snap_length);
            self.of_capture(at, "promiscuous", &capture.promiscuous);
            if let Some(filter) = &capture.filter {
                self.line(4, &format!("filter: {}", text(filter)), None);
            }
        }
    }

    fn of_capture(&mut self, at: usize, key: &str, value: &dyn Display) {
        let origin = self.origin(&format!("capture.{at}.{key}"));
        self.line(4, &format!("{key}: {value}"), Some(&origin));
    }

    fn alertmanager(&mut self) {
        let Some(config) = &self.loaded.config.alertmanager else { return };
        let file = self.loaded.config.policy.file.as_deref().unwrap_or("");
        self.line(0, "alertmanager:", Some(&format!("{file}:{}", config.line)));
        self.line(2, &format!("urls: {}", list(config.urls.iter().map(|url| text(url)))), None);
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.to_string_lossy().into_owned());
        for (key, value) in [
            ("username", config.username.clone()),
            ("password_file", path(&config.password_file)),
            ("ca_file", path(&config.ca_file)),
            ("external_url", config.external_url.clone()),
        ] {
            if let Some(value) = value {
                self.line(2, &format!("{key}: {}", text(&value)), None);
            }
        }
        self.line(2, &format!("resend: {}", duration(config.resend)), None);
    }

    fn exceptions(&mut self) {
        let policy = &self.loaded.config.policy;
        if policy.exceptions.is_empty() {
            return;
        }
        self.line(0, "exceptions:", None);
        for exception in &policy.exceptions {
            let device = policy.name_of(exception.device);
            self.line(2, &format!("- device: {}", text(&device)), Some(&place(&exception.place)));
            self.line(4, &format!("kind: {}", exception.kind), None);
            if let Some(zone) = &exception.peer_zone {
                self.line(4, &format!("peer_zone: {}", text(zone)), None);
            }
            self.line(4, &format!("owner: {}", text(&exception.owner)), None);
            self.line(4, &format!("reason: {}", text(&exception.reason)), None);
            self.line(4, &format!("expires: {}", exception.last_day()), None);
        }
    }

    fn dispositions(&mut self) {
        let origin = self.origin("dispositions");
        self.line(0, "dispositions:", Some(&origin));
        for rule in &self.loaded.config.dispositions {
            let words = |words: &[String]| words.iter().map(|word| text(word)).collect::<Vec<_>>();
            let conditions = [
                ("use", words(&rule.uses)),
                ("not_use", words(&rule.not_use)),
                ("firmware", rule.firmware.iter().map(|state| state.name().to_owned()).collect()),
                ("verdict", rule.verdict.iter().map(|verdict| verdict.name().to_owned()).collect()),
            ];
            let mut parts = vec![format!("then: {}", rule.then.name())];
            parts.extend(rule.fix.map(|fix| format!("fix: {fix}")));
            let said = conditions.into_iter().filter(|(_, words)| !words.is_empty());
            parts.extend(said.map(|(key, words)| format!("{key}: {}", list(words))));
            self.line(2, &format!("- {{ {} }}", parts.join(", ")), None);
        }
    }

    fn evidence(&mut self) {
        let config = self.loaded.config.evidence;
        let file = self.loaded.config.policy.file.as_deref().unwrap_or("");
        let origin = config.line.map_or("default".to_owned(), |line| format!("{file}:{line}"));
        self.line(0, "evidence:", Some(&origin));
        self.line(2, &format!("payload: {}", config.payload), None);
        self.line(2, &format!("size: {}", size(config.size)), None);
    }

    fn sinks(&mut self) {
        let config = self.loaded.config.sinks.clone();
        if config.line == 0 {
            return;
        }
        let file = self.loaded.config.policy.file.as_deref().unwrap_or("");
        self.line(0, "sinks:", Some(&format!("{file}:{}", config.line)));
        if let Some(file) = &config.eve {
            self.line(2, &format!("eve: {{ file: {} }}", text(&file.to_string_lossy())), None);
        }
        if let Some(syslog) = &config.syslog {
            let ca = syslog.ca_file.as_ref().map(|file| format!(", ca_file: {}", text(&file.to_string_lossy())));
            let url = text(&format!("{}://{}", syslog.scheme, syslog.authority));
            self.line(2, &format!("syslog: {{ url: {url}{} }}", ca.unwrap_or_default()), None);
        }
        if let Some(collector) = &config.ipfix {
            self.line(2, &format!("ipfix: {{ url: {} }}", text(&format!("udp://{collector}"))), None);
        }
    }

    fn zones(&mut self) {
        self.line(0, "zones:", None);
        for zone in &self.loaded.config.policy.zones {
            self.line(2, &format!("{}:", text(&zone.name)), Some(&place(&zone.place)));
            for (key, set) in [("cameras", zone.cameras), ("transit", zone.transit), ("onboarding", zone.onboarding)] {
                if set {
                    self.line(4, &format!("{key}: true"), None);
                }
            }
            self.list_of("vlans", ranges(&zone.vlans));
            self.list_of("prefixes", zone.prefixes.iter().map(|net| text(&net.to_string())).collect());
            self.list_of("gateways", zone.gateways.iter().map(|ip| text(&ip.to_string())).collect());
            self.list_of("dhcp", zone.dhcp.iter().map(|ip| text(&ip.to_string())).collect());
        }
    }

    fn list_of(&mut self, key: &str, items: Vec<String>) {
        if !items.is_empty() {
            self.line(4, &format!("{key}: {}", list(items)), None);
        }
    }

    fn conduits(&mut self) {
        let policy = &self.loaded.config.policy;
        if policy.conduits.is_empty() {
            self.line(0, "conduits: []", Some("nothing leaves its zone"));
            return;
        }
        self.line(0, "conduits:", None);
        for conduit in &policy.conduits {
            self.line(2, &format!("- name: {}", text(&conduit.name)), Some(&place(&conduit.place)));
            for (key, side) in [("from", &conduit.from), ("to", &conduit.to)] {
                let side = self.side(side);
                self.line(4, &format!("{key}: {side}"), None);
            }
            self.list_of("services", conduit.services.iter().map(|&service| service_name(service)).collect());
            self.list_of("permits", conduit.permits.clone());
            if let Some(canary) = conduit.canary {
                self.line(4, &format!("canary: {}", duration(canary)), None);
            }
            for (key, value) in [("owner", &conduit.owner), ("reason", &conduit.reason)] {
                if let Some(value) = value {
                    self.line(4, &format!("{key}: {}", text(value)), None);
                }
            }
            if let Some(expires) = conduit.expires {
                self.line(4, &format!("expires: {}", expires.day_before()), None);
            }
        }
    }

    fn side(&self, side: &Side) -> String {
        let zones = side.zones.iter().filter_map(|&id| self.loaded.config.policy.zone(id)).map(|zone| text(&zone.name));
        let mut parts = Vec::new();
        if !side.zones.is_empty() {
            parts.push(format!("zone: {}", list(zones)));
        }
        if !side.hosts.is_empty() {
            parts.push(format!("hosts: {}", list(side.hosts.iter().map(|net| text(&net.to_string())))));
        }
        format!("{{ {} }}", parts.join(", "))
    }

    fn devices(&mut self) {
        let policy = &self.loaded.config.policy;
        if policy.inventory.is_empty() {
            return;
        }
        self.line(0, "devices:", None);
        for device in &policy.inventory {
            let zone = device.zone.and_then(|id| policy.zone(id)).map_or("", |zone| &zone.name);
            let cells = [
                ("name", device.name.clone()),
                ("mac", device.mac.map_or(String::new(), |mac| mac.to_string())),
                ("ip", device.ip.map_or(String::new(), |ip| ip.to_string())),
                ("zone", zone.to_owned()),
                ("use", device.use_.clone()),
                ("model", device.model.clone()),
                ("firmware", device.firmware.clone()),
                ("sensor", device.sensor.clone()),
                ("out_of_service", device.out_of_service.map_or(String::new(), Timestamp::day_before)),
            ];
            let cells: Vec<String> = cells
                .iter()
                .filter(|(_, value)| !value.is_empty())
                .map(|(key, value)| format!("{key}: {}", text(value)))
                .collect();
            self.line(2, &format!("- {{ {} }}", cells.join(", ")), Some(&place(&device.place)));
        }
    }
}

/// A scalar, in quotes unless every reader of YAML takes it for the same text.
fn text(value: &str) -> String {
    let plain = value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '@' | ' '))
        && value.chars().next().is_some_and(|c| c.is_ascii_alphanumeric() || c == '/')
        && !value.ends_with(' ');
    let special = matches!(&*value.to_lowercase(), "null" | "true" | "false" | "yes" | "no" | "on" | "off" | "y" | "n");
    let number = value.parse::<f64>().is_ok();
    if plain && !special && !number { value.to_owned() } else { serde_json::Value::from(value).to_string() }
}

fn list(items: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", items.into_iter().collect::<Vec<_>>().join(", "))
}

fn size(bytes: u64) -> String {
    if bytes.is_multiple_of(1 << 20) { format!("{}MiB", bytes >> 20) } else { format!("{}KiB", bytes >> 10) }
}

fn place(place: &Place) -> String {
    format!("{}:{}", place.file, place.line)
}

fn duration(nanoseconds: i64) -> String {
    let seconds = nanoseconds / 1_000_000_000;
    match seconds {
        _ if seconds % 3600 == 0 => format!("{}h", seconds / 3600),
        _ if seconds % 60 == 0 => format!("{}m", seconds / 60),
        _ => format!("{seconds}s"),
    }
}

/// Runs of ids as ranges.
fn ranges(vlans: &[u16]) -> Vec<String> {
    vlans
        .chunk_by(|a, b| a.checked_add(1) == Some(*b))
        .filter_map(|run| run.first().zip(run.last()))
        .map(|(first, last)| if first == last { first.to_string() } else { format!("\"{first}-{last}\"") })
        .collect()
}

fn service_name(service: Service) -> String {
    let Service::Ip { proto, first, last } = service else {
        return if service == Service::Any { "any" } else { "icmp" }.to_owned();
    };
    let name = match proto {
        6 => "tcp",
        17 => "udp",
        132 => "sctp",
        _ => return format!("ip/{proto}"),
    };
    match (first, last) {
        (0, u16::MAX) => format!("{name}/*"),
        _ if first == last => format!("{name}/{first}"),
        _ => format!("{name}/{first}-{last}"),
    }
}
