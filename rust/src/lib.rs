//! Legato's native half: what must not wait for Python.
//!
//! [`buffer::SharedBuffer`] is one listener's ring; [`render::Consumer`] is its reading
//! end, and the only part that a device callback touches. Python is bound in one thin
//! file, behind the feature `python`, so that `cargo test` needs no interpreter.

#![deny(unsafe_code)]

#[cfg(not(loom))]
pub mod bell;
pub mod buffer;
#[cfg(not(loom))]
pub mod callback;
#[cfg(not(loom))]
pub mod devices;
mod fade;
#[cfg(not(loom))]
mod formats;
mod gate;
#[cfg(not(loom))]
pub mod health;
mod heard;
#[cfg(not(loom))]
pub mod hosts;
mod journal;
#[cfg(not(loom))]
mod keep;
pub mod ledger;
#[cfg(not(loom))]
pub mod output;
#[cfg(all(feature = "python", not(loom)))]
mod python;
#[cfg(all(feature = "python", not(loom)))]
mod python_output;
mod reading;
pub mod render;
mod ring;
mod stretch;
mod sync;
mod values;
