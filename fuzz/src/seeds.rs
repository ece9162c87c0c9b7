//! Every seed through its target; each was put there because it says something, or because it once was a finding.

use std::path::Path;

#[test]
fn every_target_takes_its_seeds() {
    for (name, run) in crate::TARGETS {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("seeds").join(name);
        let entries = std::fs::read_dir(&dir).unwrap_or_else(|error| panic!("{}: {error}", dir.display()));
        let mut seeds = 0;
        for entry in entries {
            let path = entry.expect("a directory entry").path();
            println!("{}", path.display());
            run(&std::fs::read(&path).expect("a seed"));
            seeds += 1;
        }
        assert!(seeds > 0, "{name} has no seeds");
        run(b"");
    }
}
