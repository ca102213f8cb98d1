//! Time per packet of each stage: decode, device, flow, judge, and all of them together.

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use segwatch::base::Timestamp;
use segwatch::device::{Devices, Key};
use segwatch::engine::{Engine, Input, Options};
use segwatch::flow::{Direction, Flow, FlowKey, FlowTable, MAX_FLOWS};
use segwatch::hint::VendorTable;
use segwatch::packet::{DecodeOptions, Decoded, LinkType, decode};
use segwatch::policy::Policy;
use segwatch_tests::load;

const FRAMES: u64 = 50_000;

criterion_group!(stages, decode_stage, device_stage, flow_stage, judge_stage, engine_stage);
criterion_main!(stages);

fn decode_stage(criterion: &mut Criterion) {
    let frames = frames();
    let mut decoded = Decoded::default();
    measure(criterion, "decode", frames.len(), || {
        for (_, frame) in &frames {
            decode(LinkType::Ethernet, frame, frame.len() as u32, &DecodeOptions::default(), &mut decoded);
            black_box(&decoded);
        }
    });
}

/// Finding the device of a source MAC and the owner of a source address.
fn device_stage(criterion: &mut Criterion) {
    let decoded = decoded();
    let mut devices = Devices::default();
    for (mac, ip) in decoded.iter().filter_map(source) {
        if let Some(id) = devices.by_mac(mac).or_else(|| devices.add(Key::Mac(mac), true)) {
            devices.own(ip, id);
        }
    }
    measure(criterion, "device", decoded.len(), || {
        for (mac, ip) in decoded.iter().filter_map(source) {
            black_box((devices.by_mac(mac), devices.owner(ip)));
        }
    });
}

/// From a layer to its flow.
fn flow_stage(criterion: &mut Criterion) {
    let decoded = decoded();
    measure(criterion, "flow", decoded.len(), || {
        let mut table = FlowTable::new(MAX_FLOWS);
        for layer in decoded.iter().filter_map(|decoded| decoded.layers.first()) {
            let (key, side) = FlowKey::new(layer.proto, (layer.src, layer.sport), (layer.dst, layer.dport), 0, true);
            if table.find(&key).is_none() {
                table.insert(Flow::new(key, side, Direction::FirstSeen, Timestamp(0), 0));
            }
        }
        black_box(table.len());
    });
}

/// Judging each flow once more, as when the policy changes; time per flow, not per packet.
fn judge_stage(criterion: &mut Criterion) {
    let mut engine = engine();
    feed(&mut engine, &frames());
    let flows = engine.open_rows().count();
    measure(criterion, "judge", flows, || {
        black_box(engine.open_rows().count());
    });
}

fn engine_stage(criterion: &mut Criterion) {
    let frames = frames();
    measure(criterion, "engine", frames.len(), || {
        let mut engine = engine();
        feed(&mut engine, &frames);
        black_box(&engine);
    });
}

fn measure(criterion: &mut Criterion, name: &str, elements: usize, mut run: impl FnMut()) {
    let mut group = criterion.benchmark_group("stages");
    group.throughput(Throughput::Elements(elements as u64));
    group.bench_function(name, |bencher| bencher.iter(&mut run));
    group.finish();
}

fn engine() -> Engine {
    Engine::new(policy(), VendorTable::builtin(), Options::default())
}

fn feed(engine: &mut Engine, frames: &[(Timestamp, Vec<u8>)]) {
    for (at, frame) in frames {
        let wire_len = frame.len() as u32;
        engine.handle(Input::Frame { source: 0, at: *at, link_type: LinkType::Ethernet, wire_len, data: frame });
    }
}

fn policy() -> Policy {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/captures/demo.yaml");
    segwatch::config::load(&file).unwrap_or_else(|_| panic!("{} is unsound", file.display())).config.policy
}

fn frames() -> Vec<(Timestamp, Vec<u8>)> {
    let mut frames = Vec::new();
    let sink = &mut |at, frame: &[u8]| {
        frames.push((at, frame.to_vec()));
        Ok(())
    };
    load::small(sink, FRAMES).expect("a vector takes everything");
    frames
}

fn decoded() -> Vec<Decoded> {
    let one = |(_, frame): (Timestamp, Vec<u8>)| {
        let mut decoded = Decoded::default();
        decode(LinkType::Ethernet, &frame, frame.len() as u32, &DecodeOptions::default(), &mut decoded);
        decoded
    };
    frames().into_iter().map(one).collect()
}

fn source(decoded: &Decoded) -> Option<(segwatch::base::Mac, std::net::IpAddr)> {
    Some((decoded.links.first()?.src?, decoded.layers.first()?.src))
}
