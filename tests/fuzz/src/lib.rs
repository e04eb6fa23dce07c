//! What libFuzzer runs, as a library: see [`targets`].

pub mod targets;
