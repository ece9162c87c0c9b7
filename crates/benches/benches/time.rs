//! `cargo bench -p bongsu-benches [NAME]`: how long each case takes. Don't compare what was measured at different times
//! on a busy machine; `cargo xtask instructions` is for that.

use bongsu_benches::{Case, cases};
use divan::Bencher;
use std::cell::RefCell;

fn main() {
    divan::main();
}

#[divan::bench(args = cases(), max_time = 1)]
fn case(bencher: Bencher<'_, '_>, case: &Case) {
    let work = RefCell::new((case.set_up)());
    bencher.with_inputs(|| work.borrow_mut().prepare()).bench_local_values(|()| work.borrow_mut().run());
}
