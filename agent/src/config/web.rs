//! The web configuration file (`--web.config.file`), in the form that Prometheus' own exporters read
//! (<https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md>).
//!
//! An empty file is refused, where the toolkit takes it for "no TLS, no users": a file that is being written is empty
//! for a moment, and must not open the door.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::fields::{Field, Fields};
use super::load::{decode, has_errors, read_bounded};
use super::problem::{Level, Problem, quoted};
use super::source::{Source, Span};
use super::tree::{self, Kind};
use super::value::{self, Wrong, nearest, one_of};

/// Users of one file.
pub const MAX_WEB_USERS: usize = 1000;
/// bcrypt's cost: 15 is about two seconds of a processor for each login.
pub const MAX_BCRYPT_COST: u32 = 15;

const TOP: [&str; 3] = ["tls_server_config", "http_server_config", "basic_auth_users"];
const HTTP: [&str; 2] = ["http2", "headers"];
const HEADERS: [&str; 5] = [
    "Content-Security-Policy",
    "Strict-Transport-Security",
    "X-Content-Type-Options",
    "X-Frame-Options",
    "X-XSS-Protection",
];
const TLS: [&str; 10] = [
    "cert_file",
    "key_file",
    "cert",
    "key",
    "client_auth_type",
    "client_ca_file",
    "client_ca",
    "client_allowed_sans",
    "min_version",
    "max_version",
];
const CLIENT_AUTH: [&str; 3] = ["NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"];

/// What the file says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct WebConfig {
    /// HTTPS; `None` for plain HTTP.
    pub tls: Option<TlsConfig>,
    /// bcrypt hashes of the users' passwords; empty without authentication.
    pub users: BTreeMap<String, String>,
    /// Response headers in place of our own.
    pub headers: BTreeMap<String, String>,
}

/// The server's side of TLS. PEM as it stands in the files, read together with the rest.
#[derive(Clone, PartialEq, Eq)]
pub struct TlsConfig {
    /// Certificate chain, the server's own first.
    pub cert: Vec<u8>,
    /// Private key.
    pub key: Vec<u8>,
    /// Whether clients show a certificate.
    pub client_auth: ClientAuth,
    /// Who signs the clients' certificates.
    pub client_ca: Option<Vec<u8>>,
    /// DNS names and addresses of which a client's certificate must have one; empty for any.
    pub client_names: Vec<String>,
    /// The lowest version.
    pub min_version: TlsVersion,
    /// The highest version.
    pub max_version: TlsVersion,
}

impl fmt::Debug for TlsConfig {
    /// Without the private key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConfig").field("client_auth", &self.client_auth).finish_non_exhaustive()
    }
}

/// Whether clients show a certificate.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ClientAuth {
    /// None is asked for.
    #[default]
    None,
    /// One that is shown must be good.
    IfGiven,
    /// Each must show a good one.
    Required,
}

/// Versions that are still safe.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[allow(missing_docs)]
pub enum TlsVersion {
    Tls12,
    Tls13,
}

/// Which part of [`TlsConfig`] cannot be used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs)]
pub enum TlsPart {
    Cert,
    Key,
    ClientCa,
    ClientNames,
}

/// Why it cannot be used.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TlsFault {
    /// The part.
    pub part: TlsPart,
    /// What is wrong with it.
    pub what: String,
}

/// Reads a web configuration file and the certificates that it names. `check` tells whether these can be used.
/// Relative paths start at the file's directory.
///
/// # Errors
/// Everything that is wrong with it, in the order of the places.
pub fn load_web(
    path: &Path,
    check: &dyn Fn(&TlsConfig) -> Result<(), TlsFault>,
) -> Result<(WebConfig, Vec<Problem>), Vec<Problem>> {
    let name = path.display().to_string();
    let bytes =
        read_bounded(path).map_err(|error| vec![Problem::whole_file(&name, format!("cannot be read: {error}"))])?;
    let text = decode(&name, &bytes).map_err(|problem| vec![problem])?;
    let mut source = Source::new(&name, text);
    let config = read(&mut source, text, path.parent().unwrap_or(Path::new("")), check);
    let mut problems = source.into_problems();
    // Without the lines: they may hold a password or a key, and go to the log.
    problems.iter_mut().for_each(|problem| problem.excerpt = None);
    match config {
        Some(config) if !has_errors(&problems) => Ok((config, problems)),
        _ => {
            problems.retain(|problem| problem.level == Level::Error);
            if problems.is_empty() {
                problems.push(Problem::whole_file(&name, "holds nothing"));
            }
            Err(problems)
        }
    }
}

fn read(
    source: &mut Source,
    text: &str,
    directory: &Path,
    check: &dyn Fn(&TlsConfig) -> Result<(), TlsFault>,
) -> Option<WebConfig> {
    let root = tree::read(source, text).filter(|root| root.kind != Kind::Null);
    let Some(root) = root else {
        if source.problems.is_empty() {
            let mut problem = Problem::whole_file(&source.name, "is empty");
            problem.help("leave out `--web.config.file` to serve without TLS and users");
            source.problems.push(problem);
        }
        return None;
    };
    let top = source.fields(Field { key: "the web configuration", at: root.at, node: &root }, &TOP)?;
    let mut config = WebConfig::default();
    for field in top.all() {
        match field.key {
            "basic_auth_users" => config.users = read_users(source, field),
            "http_server_config" => config.headers = read_http(source, field),
            "tls_server_config" => config.tls = read_tls(source, field, directory, check),
            _ => {}
        }
    }
    Some(config)
}

fn read_users(source: &mut Source, field: Field<'_>) -> BTreeMap<String, String> {
    let mut users = BTreeMap::new();
    let Some(fields) = source.map(field) else { return users };
    for user in fields.all() {
        if users.len() == MAX_WEB_USERS {
            source.error(user.at, format!("more than {MAX_WEB_USERS} users"));
            break;
        }
        let usable = value::word(user.key).is_ok() && !user.key.contains(':');
        if !usable {
            let message = format!("{} cannot be a user's name", quoted(user.key));
            source.error(user.at, message).help("HTTP cannot send an empty name, or one with a colon in it");
            continue;
        }
        let Kind::Scalar { text, .. } = &user.node.kind else {
            source.value(user, bcrypt_hash);
            continue;
        };
        match bcrypt_hash(text) {
            Ok(hash) => {
                users.insert(user.key.to_owned(), hash);
            }
            Err(wrong) => {
                source.error(user.node.at, wrong.message).hint = wrong.hint;
            }
        }
    }
    users
}

fn bcrypt_hash(text: &str) -> Result<String, Wrong> {
    let wrong = |message: &str, hint: &str| Err(Wrong { message: message.to_owned(), hint: Some(hint.to_owned()) });
    let make = "make one with `htpasswd -nBC 10 \"\" | tr -d ':\\n'`";
    let mut parts = text.split('$').skip(1);
    let (version, cost, rest) = (parts.next(), parts.next(), parts.next());
    let well_formed = text.starts_with('$') && parts.next().is_none() && text.len() == 60;
    match (version, cost.map(str::parse::<u32>), rest) {
        (Some("2a" | "2b" | "2y"), Some(Ok(cost)), Some(rest))
            if well_formed && rest.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'/')) =>
        {
            if !(4..=MAX_BCRYPT_COST).contains(&cost) {
                return wrong("this password's bcrypt cost is out of range", "4 to 15; 10 is usual");
            }
            Ok(text.to_owned())
        }
        _ => wrong("this is no bcrypt hash of a password", make),
    }
}

fn read_http(source: &mut Source, field: Field<'_>) -> BTreeMap<String, String> {
    let mut headers = BTreeMap::new();
    let Some(fields) = source.fields(field, &HTTP) else { return headers };
    if let Some(http2) = fields.get("http2")
        && source.flag(http2) == Some(true)
    {
        source.lint(http2.at, "segwatch speaks HTTP/1.1 only").help("remove `http2: true`");
    }
    let Some(given) = fields.get("headers").and_then(|field| source.fields(field, &HEADERS)) else { return headers };
    for header in given.all().filter(|header| HEADERS.contains(&header.key)) {
        if let Some(value) = source.value(header, header_value) {
            headers.insert(header.key.to_owned(), value.value);
        }
    }
    headers
}

/// What RFC 9110, section 5.5, allows, in ASCII.
fn header_value(text: &str) -> Result<String, Wrong> {
    let value = value::word(text)?;
    if value.bytes().all(|b| (0x20..0x7f).contains(&b)) {
        return Ok(value);
    }
    Err(Wrong { message: format!("{} cannot stand in a header", quoted(text)), hint: Some("use ASCII".to_owned()) })
}

fn read_tls(
    source: &mut Source,
    field: Field<'_>,
    directory: &Path,
    check: &dyn Fn(&TlsConfig) -> Result<(), TlsFault>,
) -> Option<TlsConfig> {
    let before = source.problems.len();
    let fields = source.fields(field, &TLS)?;
    let mut places = Places { cert: field.at, key: field.at, client_ca: field.at, client_names: field.at };
    let cert = pem(source, &fields, ["cert", "cert_file"], directory, &mut places.cert);
    let key = pem(source, &fields, ["key", "key_file"], directory, &mut places.key);
    let client_ca = pem(source, &fields, ["client_ca", "client_ca_file"], directory, &mut places.client_ca);
    let client_auth = fields.get("client_auth_type").and_then(|field| source.value(field, client_auth));
    let version = |source: &mut Source, key: &str| fields.get(key).and_then(|field| source.value(field, tls_version));
    let (min, max) = (version(source, "min_version"), version(source, "max_version"));
    let client_names = match fields.get("client_allowed_sans") {
        Some(field) => {
            places.client_names = field.at;
            source.items(field, value::word).into_iter().map(|name| name.value).collect()
        }
        None => Vec::new(),
    };
    for (part, [inline, file]) in [(&cert, ["cert", "cert_file"]), (&key, ["key", "key_file"])] {
        if part.is_none() && !fields.all().any(|field| field.key == inline || field.key == file) {
            source.error(field.at, format!("`{file}` is missing")).help("TLS needs `cert_file` and `key_file`");
        }
    }
    let auth = client_auth.as_ref().map_or(ClientAuth::None, |auth| auth.value);
    let has_ca = fields.get("client_ca").or(fields.get("client_ca_file"));
    match (auth, has_ca) {
        (ClientAuth::None, Some(ca)) if fields.get("client_auth_type").is_none() || client_auth.is_some() => {
            source
                .error(ca.at, format!("`{}` is there, but no client is asked for a certificate", ca.key))
                .help("add `client_auth_type: RequireAndVerifyClientCert`");
        }
        (ClientAuth::IfGiven | ClientAuth::Required, None) => {
            let at = client_auth.as_ref().map_or(field.at, |auth| auth.at);
            source
                .error(at, "clients are asked for certificates, but nobody may sign them")
                .help("add `client_ca_file`");
        }
        (ClientAuth::None | ClientAuth::IfGiven, _) if !client_names.is_empty() => {
            source
                .error(places.client_names, "`client_allowed_sans` needs clients that show a certificate")
                .help("add `client_auth_type: RequireAndVerifyClientCert`");
        }
        _ => {}
    }
    let (min_at, min, max) = (
        min.as_ref().map_or(field.at, |min| min.at),
        min.map_or(TlsVersion::Tls12, |min| min.value),
        max.map_or(TlsVersion::Tls13, |max| max.value),
    );
    if min > max {
        source.error(min_at, "`min_version` is above `max_version`");
    }
    let tls = TlsConfig {
        cert: cert?,
        key: key?,
        client_auth: auth,
        client_ca,
        client_names,
        min_version: min,
        max_version: max,
    };
    if source.problems.len() == before
        && let Err(fault) = check(&tls)
    {
        source.error(places.of(fault.part), fault.what);
    }
    Some(tls)
}

/// Where the parts of TLS stand.
struct Places {
    cert: Span,
    key: Span,
    client_ca: Span,
    client_names: Span,
}

impl Places {
    fn of(&self, part: TlsPart) -> Span {
        match part {
            TlsPart::Cert => self.cert,
            TlsPart::Key => self.key,
            TlsPart::ClientCa => self.client_ca,
            TlsPart::ClientNames => self.client_names,
        }
    }
}

/// PEM that stands in the file itself or in one that it names.
fn pem(
    source: &mut Source,
    fields: &Fields<'_>,
    [inline, file]: [&str; 2],
    directory: &Path,
    at: &mut Span,
) -> Option<Vec<u8>> {
    if let (Some(_), Some(second)) = (fields.get(inline), fields.get(file)) {
        source.error(second.at, format!("`{inline}` and `{file}` are both there")).help("keep one of the two");
        return None;
    }
    if let Some(field) = fields.get(inline) {
        *at = field.at;
        let text = source.value(field, |text| Ok(text.to_owned()))?;
        return Some(text.value.into_bytes());
    }
    let field = fields.get(file)?;
    let name = source.value(field, value::word)?;
    *at = name.at;
    let path: PathBuf = directory.join(&name.value);
    match read_bounded(&path) {
        Ok(bytes) => Some(bytes),
        Err(error) => {
            source.error(name.at, format!("{} cannot be read: {error}", quoted(&path.display().to_string())));
            None
        }
    }
}

fn client_auth(text: &str) -> Result<ClientAuth, Wrong> {
    match text {
        "NoClientCert" => Ok(ClientAuth::None),
        "VerifyClientCertIfGiven" => Ok(ClientAuth::IfGiven),
        "RequireAndVerifyClientCert" => Ok(ClientAuth::Required),
        "RequestClientCert" | "RequireAnyClientCert" => Err(Wrong {
            message: format!("`{text}` takes any certificate, so it proves nothing, and is not supported"),
            hint: Some("write `RequireAndVerifyClientCert`, with `client_ca_file`".to_owned()),
        }),
        _ => Err(Wrong {
            message: format!("{} is no way to ask for certificates", quoted(text)),
            hint: Some(match nearest(text, CLIENT_AUTH) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("write {}", one_of(CLIENT_AUTH)),
            }),
        }),
    }
}

fn tls_version(text: &str) -> Result<TlsVersion, Wrong> {
    match text {
        "TLS12" => Ok(TlsVersion::Tls12),
        "TLS13" => Ok(TlsVersion::Tls13),
        "TLS10" | "TLS11" => Err(Wrong {
            message: format!("`{text}` is not safe any more (RFC 8996) and is not supported"),
            hint: Some("write `TLS12` or `TLS13`".to_owned()),
        }),
        _ => Err(Wrong {
            message: format!("{} is no version of TLS", quoted(text)),
            hint: Some("write `TLS12` or `TLS13`".to_owned()),
        }),
    }
}
