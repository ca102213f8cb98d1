//! The address of an agent.

use std::fmt;
use std::net::IpAddr;

use ureq::http::Uri;

/// `http://HOST:PORT` or `https://HOST:PORT`, with a path where a reverse proxy has one; without a slash at the end.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct BaseUrl {
    text: String,
    is_https: bool,
    is_loopback: bool,
}

impl BaseUrl {
    /// Where an agent listens unless its configuration says otherwise.
    pub(super) const DEFAULT: &'static str = "http://127.0.0.1:10420";

    pub(super) fn parse(text: &str) -> Result<BaseUrl, String> {
        let form = "as in http://127.0.0.1:10420";
        // Never repeated: it may hold a password.
        if text.contains('@') {
            return Err("a URL has no user and no password: say --user and --password-file".to_owned());
        }
        let bad = |why: &str| format!("{text}: {why}, {form}");
        let uri: Uri = text.parse().map_err(|_| bad("this is no URL"))?;
        let is_https = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(bad("a URL begins with http:// or https://")),
        };
        if uri.query().is_some() || text.contains('#') {
            return Err(bad("the URL of an agent has no query and no fragment"));
        }
        let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(|| bad("a URL names a host"))?;
        let names_port = uri.authority().is_some_and(|authority| authority.as_str() != host);
        if names_port && uri.port_u16().is_none_or(|port| port == 0) {
            return Err(bad("a port is 1 to 65535"));
        }
        Ok(BaseUrl { text: text.trim_end_matches('/').to_owned(), is_https, is_loopback: is_loopback(host) })
    }

    pub(super) fn is_https(&self) -> bool {
        self.is_https
    }

    /// Whether nobody else can read what is sent there.
    pub(super) fn is_private(&self) -> bool {
        self.is_https || self.is_loopback
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    match bare.parse::<IpAddr>() {
        Ok(address) => address.to_canonical().is_loopback(),
        Err(_) => bare.eq_ignore_ascii_case("localhost"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_agents() {
        for (text, shown, is_private) in [
            (BaseUrl::DEFAULT, "http://127.0.0.1:10420", true),
            ("http://localhost/", "http://localhost", true),
            ("http://[::1]:10420", "http://[::1]:10420", true),
            ("http://[::ffff:127.0.0.2]", "http://[::ffff:127.0.0.2]", true),
            ("https://segwatch.example/herlev/", "https://segwatch.example/herlev", true),
            ("http://10.0.0.1:10420", "http://10.0.0.1:10420", false),
            ("http://localhost.example", "http://localhost.example", false),
            ("http://127.0.0.1.example", "http://127.0.0.1.example", false),
            ("http://0.0.0.0:10420", "http://0.0.0.0:10420", false),
        ] {
            let url = BaseUrl::parse(text).unwrap();
            assert_eq!((url.to_string().as_str(), url.is_private()), (shown, is_private), "{text}");
            assert_eq!(url.is_https(), text.starts_with("https"));
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for bad in [
            "",
            "127.0.0.1:10420",
            "localhost",
            "/api",
            "ftp://localhost",
            "unix:///run/x",
            "http://",
            "http:///x",
            "http://a b",
            "http://localhost?x=1",
            "http://localhost#x",
            "http://localhost:99999999",
            "http://localhost:0",
            "http://[::1]:65536",
            "http://localhost:",
        ] {
            assert!(BaseUrl::parse(bad).is_err(), "{bad}");
        }
        for bad in ["http://ann:secret@localhost", "ann:secret@localhost", "https://secret@h"] {
            assert!(!BaseUrl::parse(bad).unwrap_err().contains("secret"), "{bad}");
        }
    }
}
