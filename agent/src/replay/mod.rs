//! The engine over capture files: the same code that runs live, at the speed of the disk.

mod diff;
mod explain;
mod history;
mod learn;

use std::ops::ControlFlow;

use crate::capture::{Damage, Drops, Files, FrameSource, Next, Progress};
use crate::engine::{Engine, FlowRow, Input, Options, Snapshot, SourceEvent};
use crate::hint::VendorTable;
use crate::policy::Policy;

pub use diff::{MAX_LISTED, MAX_WAITING, compare_configs, diff, diff_recorded};
pub use explain::{Explained, ExplanationSink, MAX_DOUBTFUL, explain};
pub use history::{History, MIN_SHARE, Span, history};
pub use learn::{Learned, Named, learn};

/// Frames between two reports of progress.
const FRAMES_PER_REPORT: u32 = 65_536;

/// What came of it.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// The answer.
    pub snapshot: Snapshot,
    /// The files, as the user named them.
    pub files: Vec<String>,
    /// Where they could not be read on.
    pub damage: Vec<Damage>,
}

/// Takes each flow as it ends; `Break` once nobody wants more.
pub type RowSink<'a> = dyn FnMut(&FlowRow) -> ControlFlow<()> + 'a;

/// Judges the frames of `source` as one stream. `options.rows` follows from whether there is a sink for them.
pub fn replay(
    policy: Policy,
    vendors: VendorTable,
    options: Options,
    mut source: Files,
    mut sink: Option<&mut RowSink<'_>>,
    progress: &mut dyn FnMut(Progress),
) -> Replayed {
    let mut engine = Engine::new(policy, vendors, Options { rows: sink.is_some(), ..options });
    let files = source.names().to_vec();
    let mut wanted = ControlFlow::Continue(());
    let damage = drive([&mut engine], &mut source, progress, |[engine]| {
        if let Some(sink) = &mut sink
            && engine.has_rows()
        {
            wanted = engine.take_rows().iter().try_for_each(&mut **sink);
        }
        wanted
    });
    if let Some(sink) = &mut sink
        && wanted.is_continue()
    {
        let _ = engine.open_rows().try_for_each(|row| sink(&row));
    }
    Replayed { snapshot: engine.snapshot(), files, damage }
}

/// Gives each engine all that `source` has, until `after`, which is called behind each frame, breaks. Returns where it
/// could not be read on.
fn drive<const N: usize>(
    mut engines: [&mut Engine; N],
    source: &mut Files,
    progress: &mut dyn FnMut(Progress),
    mut after: impl FnMut(&mut [&mut Engine; N]) -> ControlFlow<()>,
) -> Vec<Damage> {
    let files = source.names().to_vec();
    let mut damage = Vec::new();
    let mut until_report = FRAMES_PER_REPORT;
    for (source, name) in (0..=u16::MAX).zip(&files) {
        engines.iter_mut().for_each(|engine| engine.handle(Input::File { source, name }));
    }
    loop {
        match source.next() {
            Next::Frame(frame) => {
                for engine in &mut engines {
                    engine.handle(Input::Frame {
                        source: frame.source,
                        at: frame.at,
                        link_type: frame.link_type,
                        wire_len: frame.wire_len,
                        data: frame.data,
                    });
                }
            }
            Next::Silence => {}
            Next::Damage(found) => {
                let file = files.get(usize::from(found.source)).map_or("?", String::as_str);
                engines.iter_mut().for_each(|engine| engine.handle(Input::Gap(&format!("{file}: {found}"))));
                damage.push(found);
            }
            Next::End => break,
        }
        until_report -= 1;
        if until_report == 0 {
            until_report = FRAMES_PER_REPORT;
            progress(source.progress());
        }
        if after(&mut engines).is_break() {
            return damage;
        }
    }
    for (source, Drops { kernel, interface }) in source.dropped().filter(|(_, drops)| *drops != Drops::default()) {
        let event = SourceEvent::Drops { kernel, interface, agent: 0 };
        engines.iter_mut().for_each(|engine| engine.handle(Input::Source { source, event: event.clone() }));
    }
    damage
}
