//! Snapshots and records of the engine: no bytes make reading them panic, and what was read is written as bytes that say the
//! same.
use bongsu_engine::{Engine, EntityId, Options, QueueId, Record};

/// One run of the target.
pub fn run(data: &[u8]) {
    let Some((kind, bytes)) = data.split_first() else { return };
    if kind % 4 == 0 {
        if let Ok(record) = Record::decode(bytes) {
            let mut again = Vec::new();
            record.encode(&mut again);
            assert_eq!(Record::decode(&again), Ok(record));
        }
        return;
    }
    let entity = match kind % 8 {
        1 | 5 => EntityId::Directory,
        3 => EntityId::Registry,
        _ => EntityId::Queue(QueueId(1)),
    };
    let mut engine = Engine::new(Options::default());
    if engine.restore(entity, bytes).is_ok() {
        let again = engine.freeze(entity).expect("it was just restored").encode();
        let mut second = Engine::new(Options::default());
        second.restore(entity, &again).expect("its own snapshot");
        assert_eq!(second.freeze(entity).expect("it was just restored").encode(), again);
    }
}
