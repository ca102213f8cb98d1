//! The thread that keeps the outbox, so that a slow or dead disk holds no page up.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Where the outbox is kept: replaces what was there before, durably.
pub type Store = Box<dyn FnMut(&str) -> io::Result<()> + Send>;

/// After a failure it is tried again.
const AGAIN: Duration = Duration::from_secs(5);
/// At the end the disk has so long.
const LAST_WAIT: Duration = Duration::from_secs(5);

/// Keeps the newest text that it is given. Dropped, it waits a little for the last one.
pub(super) struct Keeper {
    desk: Arc<Desk>,
    ended: Receiver<()>,
}

#[derive(Default)]
struct Desk {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    text: Option<String>,
    is_ending: bool,
}

impl Keeper {
    /// Starts the thread; `failed` is told why something was not kept.
    pub(super) fn start(mut store: Store, failed: impl Fn(io::Error) + Send + 'static) -> io::Result<Keeper> {
        let desk = Arc::<Desk>::default();
        let (end, ended) = channel();
        let own = Arc::clone(&desk);
        thread::Builder::new().name("alert-outbox".to_owned()).spawn(move || own.run(&mut store, &failed, &end))?;
        Ok(Keeper { desk, ended })
    }

    pub(super) fn keep(&self, text: String) {
        self.desk.lock().text = Some(text);
        self.desk.changed.notify_one();
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.desk.lock().is_ending = true;
        self.desk.changed.notify_one();
        // It never says anything, it ends. If it does not, the disk hangs, and who waits longer hangs with it.
        let _ = self.ended.recv_timeout(LAST_WAIT);
    }
}

impl Desk {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `_end` tells by being dropped.
    fn run(&self, store: &mut Store, failed: &dyn Fn(io::Error), _end: &Sender<()>) {
        loop {
            let idle = |state: &mut State| state.text.is_none() && !state.is_ending;
            let mut state = self.changed.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
            let is_ending = state.is_ending;
            let text = state.text.take();
            drop(state);
            let Some(text) = text else { return };
            if let Err(error) = store(&text) {
                failed(error);
                if is_ending {
                    return;
                }
                self.try_again_later(text);
            }
        }
    }

    fn try_again_later(&self, text: String) {
        let idle = |state: &mut State| state.text.is_none() && !state.is_ending;
        let waited = self.changed.wait_timeout_while(self.lock(), AGAIN, idle);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        // What came meanwhile is newer.
        state.text.get_or_insert(text);
    }
}
