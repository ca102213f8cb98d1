//! The page: one self-contained document, rendered here. It needs no script; a small one of its own keeps it fresh where
//! scripts run. No library: what moves are the elements that say something else than before.

mod cameras;
mod findings;
mod flows;
mod parts;
mod strip;
mod unknown;
mod zones;

use std::collections::BTreeMap;
use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::published::{About, ConduitStatus, RecordsStatus};
use crate::base::{Timestamp, html};
use crate::engine::{Ack, DeviceHours, Snapshot};

pub(super) use flows::{Of, flows_page};

const STYLE: &str = include_str!("style.css");
const SCRIPT: &str = include_str!("live.js");

/// A camera's eye; what it sees is said in the title.
const ICON: &str = "data:image/svg+xml,%3Csvg xmlns='http:%2F%2Fwww.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Ccircle cx='8' cy='8' r='7' fill='%231b1b1b'/%3E%3Ccircle cx='8' cy='8' r='3' fill='%237db7f0'/%3E%3C/svg%3E";

const LINKS: [(&str, &str); 9] = [
    ("/metrics", "metrics for Prometheus"),
    ("/-/healthy", "health"),
    ("/-/ready", "readiness: whether packets are judged"),
    ("/api/v1/status", "status (JSON)"),
    ("/api/v1/zones", "zones (JSON)"),
    ("/api/v1/devices", "watched devices (JSON)"),
    ("/api/v1/coverage", "coverage of the last day (JSON)"),
    ("/api/v1/findings", "open findings (JSON)"),
    ("/api/v1/flows?limit=100", "flows (JSON)"),
];

/// What the page is made of.
pub(super) struct View<'a> {
    pub(super) about: &'a About,
    pub(super) snapshot: &'a Snapshot,
    pub(super) conduits: &'a [ConduitStatus],
    pub(super) records: &'a RecordsStatus,
    pub(super) hours: &'a [DeviceHours],
    pub(super) acks: &'a BTreeMap<String, Ack>,
    pub(super) at: Timestamp,
}

/// Value of `Content-Security-Policy`: nothing but the page's own style, script and icon; the script may ask this server.
pub(super) fn content_security_policy() -> String {
    let [style, script] = [STYLE, SCRIPT].map(|text| STANDARD.encode(Sha256::digest(text)));
    format!(
        "default-src 'none'; style-src 'sha256-{style}'; script-src 'sha256-{script}'; connect-src 'self'; \
         img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
}

/// The page of a published snapshot.
pub(super) fn landing_page(view: &View<'_>) -> String {
    let mut page = frame_start(view.about, view.snapshot.verdict.name());
    let (time, packets) = (parts::moment(view.at), view.snapshot.traffic.packets);
    let _ = write!(
        page,
        "<span class=\"dim\">as of <time datetime=\"{}\">{time}</time>, {packets} packets judged</span>\n</header>\n<main id=\"main\">\n",
        view.at
    );
    let listed = findings::listed(view);
    unknown::verdict(&mut page, view.snapshot);
    unknown::records(&mut page, view.records);
    unknown::not_verified(&mut page, view.snapshot);
    zones::zones(&mut page, view.snapshot, view.conduits);
    findings::findings(&mut page, view, &listed);
    cameras::cameras(&mut page, view, &listed);
    page.push_str("</main>\n");
    frame_end(page, view.about, SCRIPT)
}

/// The page before anything was published.
pub(super) fn page_without_snapshot() -> String {
    let about = About::default();
    let mut page = frame_start(&about, "unverified");
    page.push_str(
        "</header>\n<main id=\"main\">\n<p class=\"verdict unverified\">unverified</p>\n\
         <p>Nothing current is published: nobody knows.</p>\n</main>\n",
    );
    frame_end(page, &about, SCRIPT)
}

/// Up to the inside of the header.
fn frame_start(about: &About, title: &str) -> String {
    let site = if about.site.is_empty() { "segwatch" } else { &about.site };
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title}: {site} - segwatch</title>\n\
         <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<link rel=\"icon\" href=\"{ICON}\">\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the content</a>\n\
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

fn frame_end(mut page: String, about: &About, script: &str) -> String {
    page.push_str("<footer>\n<h2>More</h2>\n<ul>\n");
    for (link, what) in LINKS {
        let _ = writeln!(page, "<li><a href=\"{link}\">{what}</a></li>");
    }
    let _ = writeln!(page, "</ul>\n<p class=\"dim\">segwatch {}</p>\n</footer>", html(&about.version));
    if !script.is_empty() {
        let _ = writeln!(page, "<script>{script}</script>");
    }
    page + "</body>\n</html>\n"
}
