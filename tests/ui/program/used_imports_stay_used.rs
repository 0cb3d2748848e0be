#![deny(warnings)]

use std::collections::BTreeMap;

#[atasker::main(pool_szie = 1)]
fn main() {
    let _: BTreeMap<u8, u8> = BTreeMap::new();
}
