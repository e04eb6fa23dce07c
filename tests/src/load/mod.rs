//! Load on a server, and what it is measured by: for the speed of the whole and for long runs.
//!
//! | File | Holds |
//! |---|---|
//! | [`wire`] | connections that wait for nobody, and a bare server that only echoes |
//! | [`workload`] | what is asked, and what must be in the store before |
//! | [`check`] | whether an answer is a success, without making a tree of it |
//! | [`drive`] | many connections at once, each one request at a time |
//! | [`latency`] | how long each took, in little room |
//! | [`process`] | what the server's process used up |

pub mod check;
pub mod drive;
pub mod latency;
pub mod process;
pub mod wire;
pub mod workload;
