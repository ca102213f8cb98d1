//! The landing page: one self-contained document that needs no script.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::published::About;
use crate::base::{Timestamp, html};
use crate::engine::Snapshot;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1c1c1c;background:#fff}\
table{border-collapse:collapse}th,td{text-align:left;padding:.25rem 1.5rem .25rem 0;border-bottom:1px solid #ccc;vertical-align:top}\
.verdict{font-size:1.5rem;font-weight:bold}";

const LINKS: [(&str, &str); 8] = [
    ("/metrics", "metrics for Prometheus"),
    ("/-/healthy", "health"),
    ("/-/ready", "readiness: whether packets are judged"),
    ("/api/v1/status", "status (JSON)"),
    ("/api/v1/zones", "zones (JSON)"),
    ("/api/v1/devices", "watched devices (JSON)"),
    ("/api/v1/findings", "open findings (JSON)"),
    ("/api/v1/flows?limit=100", "flows (JSON)"),
];

/// Value of `Content-Security-Policy`: nothing but the page's own style.
pub(super) fn content_security_policy() -> String {
    let style = STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// The page of a published snapshot.
pub(super) fn landing_page(about: &About, snapshot: &Snapshot, at: Timestamp) -> String {
    let mut page = head(about);
    let verdict = snapshot.verdict.name();
    let _ = write!(page, "<p class=\"verdict\">{verdict}</p>\n<p>As of {at}.");
    if !about.site.is_empty() {
        let _ = write!(page, " Site {}.", html(&about.site));
    }
    if !about.sensor.is_empty() {
        let _ = write!(page, " Sensor {}.", html(&about.sensor));
    }
    page.push_str("</p>\n");
    if !snapshot.reasons.is_empty() {
        page.push_str("<ul>\n");
        for reason in &snapshot.reasons {
            let _ = writeln!(page, "<li>{}: {}</li>", reason.code.name(), html(&reason.detail));
        }
        page.push_str("</ul>\n");
    }
    page.push_str("<table>\n<tr><th>zone</th><th>verdict</th><th>devices</th><th>findings</th></tr>\n");
    for zone in &snapshot.zones {
        let verdict = zone.verdict.map_or("-", |verdict| verdict.name());
        let name = html(&zone.name);
        let _ = writeln!(
            page,
            "<tr><td>{name}</td><td>{verdict}</td><td>{}</td><td>{}</td></tr>",
            zone.devices, zone.findings
        );
    }
    let _ = writeln!(page, "</table>\n<p>Open findings: {}.</p>", snapshot.findings.len());
    tail(page)
}

/// The page before anything was published.
pub(super) fn page_without_snapshot() -> String {
    let mut page = head(&About::default());
    page.push_str("<p class=\"verdict\">unverified</p>\n<p>Nothing current is published: nobody knows.</p>\n");
    tail(page)
}

fn head(about: &About) -> String {
    let version = html(&about.version);
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>segwatch</title>\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <h1>segwatch {version}</h1>\n"
    )
}

fn tail(mut page: String) -> String {
    page.push_str("<ul>\n");
    for (link, what) in LINKS {
        let _ = writeln!(page, "<li><a href=\"{link}\">{what}</a></li>");
    }
    page.push_str("</ul>\n</body>\n</html>\n");
    page
}
