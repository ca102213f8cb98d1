//! Every file of `bad-web-config/` with the exact message that it gets: `NAME.yml` beside `NAME.txt`.
//! `SEGWATCH_UPDATE=1` rewrites the messages; read them in the diff.

use std::fs;
use std::path::PathBuf;

use proptest::prelude::*;
use segwatch::config::{ClientAuth, MAX_BCRYPT_COST, TlsVersion, load_web};
use segwatch::web::Settings;

fn messages(problems: &[segwatch::config::Problem]) -> String {
    problems.iter().map(|problem| format!("{problem}\n\n")).collect()
}

#[test]
fn every_bad_file_gets_its_message() {
    let mut files: Vec<PathBuf> =
        fs::read_dir("bad-web-config").expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "yml"));
    files.sort();
    assert!(files.len() >= 20, "only {} bad files", files.len());
    for path in files {
        let got = match Settings::load(Some(path.clone())) {
            Ok(_) => panic!("{} has nothing wrong with it", path.display()),
            Err(problems) => messages(&problems),
        };
        let golden = path.with_extension("txt");
        if std::env::var_os("SEGWATCH_UPDATE").is_some() {
            fs::write(&golden, &got).expect("the golden file can be written");
        }
        assert_eq!(got, fs::read_to_string(&golden).unwrap_or_default(), "{}", path.display());
        assert!(!got.contains("hunter2"), "{}: a password is shown", path.display());
    }
}

#[test]
fn a_good_file_is_read_whole() {
    let hash = "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG";
    let folder = std::env::temp_dir().join(format!("segwatch-web-config-{}", std::process::id()));
    fs::create_dir_all(folder.join("tls")).expect("a folder");
    for name in ["c.pem", "k.pem", "ca.pem"] {
        fs::write(folder.join("tls").join(name), name).expect("a file");
    }
    let text = format!(
        "tls_server_config:\n  cert_file: tls/c.pem\n  key_file: tls/k.pem\n  client_ca_file: tls/ca.pem\n  \
         client_auth_type: RequireAndVerifyClientCert\n  client_allowed_sans: [noc.example]\n  min_version: TLS13\n\
         http_server_config:\n  http2: true\n  headers: {{ X-Frame-Options: SAMEORIGIN }}\nbasic_auth_users:\n  ann: {hash}\n  'bob b': {hash}\n"
    );
    let path = folder.join("web.yml");
    fs::write(&path, text).expect("a file");
    let loaded = load_web(&path, &|_| Ok(()));
    fs::remove_dir_all(&folder).expect("removed");
    let (config, lints) = loaded.unwrap_or_else(|problems| panic!("{}", messages(&problems)));
    let tls = config.tls.expect("TLS");
    assert_eq!((&*tls.cert, &*tls.key, tls.client_ca.as_deref()), (&b"c.pem"[..], &b"k.pem"[..], Some(&b"ca.pem"[..])));
    assert_eq!(
        (tls.client_auth, tls.min_version, tls.max_version),
        (ClientAuth::Required, TlsVersion::Tls13, TlsVersion::Tls13)
    );
    assert_eq!((tls.client_names, config.users.len()), (vec!["noc.example".to_owned()], 2));
    assert_eq!(config.headers.get("X-Frame-Options").map(String::as_str), Some("SAMEORIGIN"));
    assert!(lints.len() == 1 && lints[0].message.contains("HTTP/1.1"), "{lints:?}");
}

#[test]
fn a_key_is_never_shown() {
    let folder = std::env::temp_dir().join(format!("segwatch-web-key-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let path = folder.join("web.yml");
    fs::write(&path, "tls_server_config: { cert: hunter2-cert, key: hunter2-key }\n").expect("a file");
    let refused = Settings::load(Some(path.clone())).err().expect("no PEM");
    let config = load_web(&path, &|_| Ok(())).expect("read");
    fs::remove_dir_all(&folder).expect("removed");
    assert!(!messages(&refused).contains("hunter2") && !format!("{config:?}").contains("hunter2"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// A file that is damaged anywhere is read or refused, and lets nobody in whose hash is not there.
    #[test]
    fn damage_opens_no_door(at in 0..200usize, with in proptest::collection::vec(any::<u8>(), 0..4), cut in any::<bool>()) {
        let hash = "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG";
        let mut bytes = format!("basic_auth_users:\n  ann: {hash}\n  bob: {hash}\nhttp_server_config: {{ http2: false }}\n").into_bytes();
        let at = at.min(bytes.len());
        let end = if cut { bytes.len() } else { (at + with.len()).min(bytes.len()) };
        bytes.splice(at..end, with);
        let path = std::env::temp_dir().join(format!("segwatch-web-damage-{}.yml", std::process::id()));
        fs::write(&path, bytes).expect("a file");
        let loaded = load_web(&path, &|_| Ok(()));
        fs::remove_file(&path).expect("removed");
        if let Ok((config, _)) = loaded {
            for hash in config.users.values() {
                let cost: u32 = hash[4..6].parse().expect("a cost");
                prop_assert!(hash.len() == 60 && hash.starts_with("$2") && (4..=MAX_BCRYPT_COST).contains(&cost));
            }
        }
    }
}
