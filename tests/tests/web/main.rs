//! The HTTP server against real sockets on loopback, with an agent that only remembers what it was asked.

// As clippy.toml allows in tests; helpers are not seen as such.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

mod client;
mod command_line;
mod hostile;
mod load;
mod openapi;
mod page;
mod rights;
mod serve;
mod sites;
mod tls;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use segwatch::base::Timestamp;
use segwatch::config::load_str;
use segwatch::engine::{Engine, FlowRow, Options};
use segwatch::metrics::{BuildInfo, Counters, Exporter};
use segwatch::web::{About, Agent, Command, FlowQuery, Limits, Note, Published, Refusal, Server, Settings, bind};
use tokio::runtime::Runtime;

/// A crypt_blowfish test vector: the password is `U*U`.
const HASH: &str = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
/// `ann:U*U` for basic authentication.
const ANN: &str = "Authorization: Basic YW5uOlUqVQ==";

/// An agent of its own.
#[derive(Default)]
struct Fake {
    published: Mutex<Option<Arc<Published>>>,
    unready: Mutex<Option<String>>,
    commands: Mutex<Vec<Command>>,
    queries: Mutex<Vec<FlowQuery>>,
    notes: Mutex<Vec<Note>>,
    rows: Mutex<Vec<FlowRow>>,
    /// How long a command takes.
    takes: Duration,
}

impl Agent for Fake {
    fn published(&self) -> Option<Arc<Published>> {
        self.published.lock().expect("no panic").clone()
    }

    fn healthy(&self) -> Result<(), String> {
        Ok(())
    }

    fn ready(&self) -> Result<(), String> {
        self.unready.lock().expect("no panic").clone().map_or(Ok(()), Err)
    }

    async fn flows(&self, query: FlowQuery) -> Result<Vec<FlowRow>, Refusal> {
        self.queries.lock().expect("no panic").push(query);
        tokio::time::sleep(self.takes).await;
        Ok(self.rows.lock().expect("no panic").clone())
    }

    async fn evidence(&self, id: String) -> Result<Vec<u8>, Refusal> {
        match id.as_str() {
            "404" => Err(Refusal::NotFound("there is no evidence".into())),
            _ => Ok(vec![0x0a, 0x0d, 0x0d, 0x0a]),
        }
    }

    async fn command(&self, command: Command) -> Result<String, Refusal> {
        self.commands.lock().expect("no panic").push(command.clone());
        tokio::time::sleep(self.takes).await;
        match command {
            Command::Reload => Ok("policy loaded".into()),
            Command::Close(remark) | Command::Acknowledge(remark) if remark.id == "404" => {
                Err(Refusal::NotFound(format!("there is no finding {}", remark.id)))
            }
            Command::Close(_) => Ok("closed".into()),
            Command::Acknowledge(_) => Ok("acknowledged".into()),
            Command::Drill { by, .. } => match by.as_str() {
                "again" => Err(Refusal::Conflict("a drill is under way".into())),
                "dead" => Err(Refusal::Failed("no engine".into())),
                "busy" => Err(Refusal::Unavailable("the engine is busy".into())),
                _ => Ok("a drill was raised".into()),
            },
        }
    }

    fn note(&self, note: Note) {
        self.notes.lock().expect("no panic").push(note);
    }
}

/// A server that runs until it is dropped.
struct Running {
    fake: Arc<Fake>,
    server: Server,
    address: SocketAddr,
    runtime: Runtime,
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
}

/// A published state whose site is named `site`.
fn published(site: &str) -> Arc<Published> {
    published_with(site, 1).expect("a sound policy")
}

/// The same with this many camera zones; `None` if these make too many series.
fn published_with(site: &str, zones: usize) -> Option<Arc<Published>> {
    let zones: String = (1..=zones).map(|n| format!("  cctv{n}: {{ cameras: true, vlans: [{n}] }}\n")).collect();
    let text = format!("site: {site:?}\nzones:\n{zones}");
    let policy =
        load_str("p.yaml", &text, Timestamp(0), &mut |_| Err(std::io::ErrorKind::NotFound.into())).ok()?.config.policy;
    let snapshot = Engine::new(policy.clone(), segwatch::hint::VendorTable::builtin(), Options::default()).snapshot();
    let build = BuildInfo { version: "1.2.3".into(), revision: String::new(), rustversion: "1.95".into() };
    let metrics = Exporter::started_at(build, Timestamp(0)).render(&policy, &snapshot, &Counters::default());
    let about = About { version: "1.2.3".into(), site: policy.site.clone(), ..About::default() };
    Some(Arc::new(Published::new(about, Arc::new(snapshot), Timestamp(0), metrics.expect("rendered"))))
}

fn start_with(fake: Fake, web_config: Option<PathBuf>, limits: Limits) -> Running {
    let runtime = runtime();
    let fake = Arc::new(fake);
    fake.published.lock().expect("no panic").get_or_insert_with(|| published("herlev"));
    let settings = Settings::load(web_config).unwrap_or_else(|problems| panic!("{problems:#?}"));
    let listeners = bind("127.0.0.1:0").expect("a port");
    let server = {
        let _inside = runtime.enter();
        Server::start(fake.clone(), listeners, settings, limits).expect("it starts")
    };
    let address = server.addresses()[0];
    Running { fake, server, address, runtime }
}

fn start() -> Running {
    start_with(Fake::default(), None, Limits::default())
}

/// A folder of one test, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(test: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("segwatch-web-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Folder(path)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).expect("a file");
        path
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Waits until it holds.
fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    for _ in 0..200 {
        if holds() {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("never: {what}");
}
