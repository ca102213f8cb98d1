//! The page: one self-contained document, rendered here. It needs no script; a small one of its own keeps it fresh where
//! scripts run. No library: what moves is one element that is replaced.

mod sections;

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::published::{About, ConduitStatus, RecordsStatus};
use crate::base::{Timestamp, html};
use crate::engine::Snapshot;

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("live.js");

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

/// Value of `Content-Security-Policy`: nothing but the page's own style and script, which may ask this server.
pub(super) fn content_security_policy() -> String {
    let [style, script] = [STYLE, SCRIPT].map(|text| STANDARD.encode(Sha256::digest(text)));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// The page of a published snapshot.
pub(super) fn landing_page(
    about: &About,
    snapshot: &Snapshot,
    (conduits, records): (&[ConduitStatus], &RecordsStatus),
    at: Timestamp,
) -> String {
    let mut page = head(about, snapshot.verdict.name());
    let _ = write!(page, "<span class=\"dim\">as of <time datetime=\"{at}\">{at}</time></span>\n</header>\n");
    page.push_str(&body(snapshot, conduits, records));
    tail(page, about)
}

/// What stands in it but for its time: who compares two of them knows whether something changed.
pub(super) fn body(snapshot: &Snapshot, conduits: &[ConduitStatus], records: &RecordsStatus) -> String {
    let mut page = String::from("<main id=\"main\">\n");
    sections::verdict(&mut page, snapshot);
    sections::records(&mut page, records);
    sections::not_verified(&mut page, snapshot);
    sections::matrix(&mut page, snapshot, conduits);
    sections::findings(&mut page, snapshot);
    sections::cameras(&mut page, snapshot);
    page.push_str("</main>\n");
    page
}

/// The page before anything was published.
pub(super) fn page_without_snapshot() -> String {
    let about = About::default();
    let mut page = head(&about, "unverified");
    page.push_str(
        "</header>\n<main id=\"main\">\n<p class=\"verdict unverified\">unverified</p>\n\
         <p>Nothing current is published: nobody knows.</p>\n</main>\n",
    );
    tail(page, &about)
}

fn head(about: &About, verdict: &str) -> String {
    let site = if about.site.is_empty() { "segwatch" } else { &about.site };
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{verdict}: {site} - segwatch</title>\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<link rel=\"icon\" href=\"data:,\">\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the verdict</a>\n\
         <p id=\"note\" class=\"stale\" role=\"alert\" hidden></p>\n<header id=\"head\">\n<h1>segwatch</h1>\n",
        site = html(site)
    );
    for (what, name) in [("Site", &about.site), ("Sensor", &about.sensor)] {
        if !name.is_empty() {
            let _ = writeln!(page, "<span>{what} <strong>{}</strong></span>", html(name));
        }
    }
    page
}

fn tail(mut page: String, about: &About) -> String {
    page.push_str("<footer>\n<h2>More</h2>\n<ul>\n");
    for (link, what) in LINKS {
        let _ = writeln!(page, "<li><a href=\"{link}\">{what}</a></li>");
    }
    let _ = write!(
        page,
        "</ul>\n<p class=\"dim\">segwatch {}</p>\n</footer>\n<script>{SCRIPT}</script>\n</body>\n</html>\n",
        html(&about.version)
    );
    page
}
