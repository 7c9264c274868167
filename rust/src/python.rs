//! The thin binding: `legato._native.AudioBuffer`, as `legato.audio.audio_buffer` pins it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use numpy::{PyArray1, PyReadonlyArray1};
use pyo3::exceptions::PyValueError;
use pyo3::import_exception;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

use crate::buffer::{Busy, Geometry, SharedBuffer};
use crate::keep::BUFFERS;
use crate::ledger::EventKind;

import_exception!(legato.errors, BufferBusy);

const BUFFER_MODULE: &str = "legato.audio.audio_buffer";

/// How long the main thread waits before it looks for a Ctrl-C.
const SIGNALS: Duration = Duration::from_millis(100);

/// One listener's FIFO of PCM; see the Protocol of the same name.
#[pyclass(frozen, module = "legato._native")]
pub struct AudioBuffer {
    /// What the device output shares with Python.
    pub(crate) shared: Arc<SharedBuffer>,
}

#[pymethods]
impl AudioBuffer {
    #[new]
    #[pyo3(signature = (sample_rate_hz, capacity_s = 60.0))]
    fn new(sample_rate_hz: u32, capacity_s: f64) -> PyResult<Self> {
        let geometry = Geometry::of(sample_rate_hz, capacity_s).ok_or_else(|| {
            PyValueError::new_err(format!(
                "{capacity_s} s at {sample_rate_hz} Hz hold nothing: \
                 ask for 1 Hz and 0.5 s at least, and more than that"
            ))
        })?;
        let shared = SharedBuffer::new(sample_rate_hz, geometry);
        Ok(Self { shared })
    }

    #[getter]
    fn sample_rate_hz(&self) -> u32 {
        self.shared.sample_rate_hz()
    }

    #[getter]
    fn capacity_samples(&self) -> usize {
        self.shared.capacity_samples()
    }

    fn attach_producer(&self) -> PyResult<()> {
        self.shared.attach_producer().map_err(|_| {
            BufferBusy::new_err("the buffer has a producer already: detach that one first")
        })
    }

    fn detach_producer(&self) {
        self.shared.detach_producer();
    }

    fn push(&self, pcm: PyReadonlyArray1<'_, f32>) -> PyResult<usize> {
        let pcm = pcm.as_slice().map_err(|_| {
            PyValueError::new_err("PCM must be C-contiguous: pass numpy.ascontiguousarray(pcm)")
        })?;
        Ok(self.shared.push(pcm))
    }

    fn free_samples(&self) -> usize {
        self.shared.free_samples()
    }

    fn end_chunk(&self, ordinal: i64) -> PyResult<u64> {
        self.shared.end_chunk(ordinal).map_err(|wrong| {
            let expected = wrong.expected;
            PyValueError::new_err(format!(
                "chunk {ordinal} cannot end now: {expected} is being written"
            ))
        })
    }

    fn open_through(&self, ordinal: i64) {
        self.shared.open_through(ordinal);
    }

    fn shut_gate(&self) {
        self.shared.shut_gate();
    }

    fn expect(&self) {
        self.shared.expect();
    }

    fn finish(&self) {
        self.shared.finish();
    }

    fn discard_to(&self, index: i64) {
        self.shared.discard_to(index.max(0) as u64);
    }

    fn rewind_to(&self, index: i64) -> PyResult<u64> {
        self.shared.rewind_to(index.max(0) as u64).map_err(|_| {
            BufferBusy::new_err("the buffer cannot be rewound while it is read: detach first")
        })
    }

    fn set_paused(&self, paused: bool) {
        self.shared.set_paused(paused);
    }

    fn set_pace(&self, pace: f64) -> PyResult<()> {
        self.shared.set_pace(pace).map_err(|_| {
            PyValueError::new_err(format!(
                "the pace is 0.92 to 1.0 times the speed, not {pace}"
            ))
        })
    }

    fn attach_consumer(&self) -> PyResult<()> {
        self.shared.claim_reading().map_err(read_elsewhere)
    }

    fn detach_consumer(&self) {
        self.shared.release_reading();
    }

    #[pyo3(signature = (samples, timeout_s = None))]
    fn pop_block<'py>(
        &self,
        py: Python<'py>,
        samples: usize,
        timeout_s: Option<f64>,
    ) -> PyResult<Bound<'py, PyArray1<f32>>> {
        let attempt = |until| self.shared.pop(samples, until).map_err(read_elsewhere);
        // With the GIL first: giving it up costs 20-90 ms where others are busy in Python.
        let mut popped = attempt(Some(Instant::now()))?;
        if popped.is_none() {
            popped = wait_in_slices(py, timeout_s, attempt)?;
        }
        Ok(PyArray1::from_vec(py, popped.unwrap_or_default()))
    }

    fn render<'py>(&self, py: Python<'py>, samples: usize) -> PyResult<Bound<'py, PyArray1<f32>>> {
        let mut out = vec![0.0; samples];
        self.shared.render_here(&mut out).map_err(read_elsewhere)?;
        Ok(PyArray1::from_vec(py, out))
    }

    fn set_output_latency(&self, samples: u64) {
        self.shared.set_output_latency(samples);
    }

    fn buffer_length_seconds(&self) -> f64 {
        self.shared.buffered_samples() as f64 / f64::from(self.shared.sample_rate_hz())
    }

    fn position<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
        let at = self.shared.position();
        value_class(py, &CLASS, BUFFER_MODULE, "Position")?.call1((at.written, at.read, at.heard))
    }

    fn drained(&self) -> bool {
        self.shared.drained()
    }

    fn wait_drained(&self, py: Python<'_>, timeout_s: f64) -> PyResult<bool> {
        if self.shared.drained() {
            return Ok(true);
        }
        let wait = |until: Option<Instant>| {
            let until = until.unwrap_or_else(|| Instant::now() + SIGNALS);
            Ok(self.shared.wait_drained(until).then_some(()))
        };
        Ok(wait_in_slices(py, Some(timeout_s), wait)?.is_some())
    }

    fn counters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
        let now = self.shared.counters();
        value_class(py, &CLASS, BUFFER_MODULE, "BufferCounters")?.call1((
            now.underruns,
            now.underrun_samples,
            now.holds,
            now.hold_samples,
            now.gap_max_samples,
            now.edited_samples,
            now.rendered_samples,
            now.stretched_samples,
        ))
    }

    fn drain_events<'py>(&self, py: Python<'py>) -> PyResult<Vec<Bound<'py, PyAny>>> {
        static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
        let class = value_class(py, &CLASS, BUFFER_MODULE, "RenderEvent")?;
        let now_ns = self.shared.now_ns();
        let events = self.shared.drain_events().into_iter();
        events
            .map(|event| {
                let age_s = now_ns.saturating_sub(event.at_ns) as f64 * 1e-9;
                class.call1((kind_name(event.kind), event.index, event.samples, age_s))
            })
            .collect()
    }
}

impl Drop for AudioBuffer {
    fn drop(&mut self) {
        BUFFERS.release(Some(&self.shared));
    }
}

/// `legato._native`.
#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<AudioBuffer>()?;
    crate::python_output::register(module)
}

fn read_elsewhere(_: Busy) -> PyErr {
    BufferBusy::new_err("the buffer has a consumer already: detach that one first")
}

fn kind_name(kind: EventKind) -> &'static str {
    match kind {
        EventKind::First => "first",
        EventKind::Hold => "hold",
        EventKind::Underrun => "underrun",
        EventKind::Edit => "edit",
        EventKind::Discard => "discard",
        EventKind::Stretch => "stretch",
    }
}

/// A class that Python defines and this module only fills.
pub(crate) fn value_class<'py>(
    py: Python<'py>,
    class: &'static PyOnceLock<Py<PyType>>,
    module: &str,
    name: &str,
) -> PyResult<&'py Bound<'py, PyType>> {
    class.import(py, module, name)
}

/// Call `wait` without the GIL until it gives something or `timeout_s` has passed.
///
/// The main thread comes back at times to answer Ctrl-C; others wait in one go, since
/// only the main thread runs signal handlers and taking the GIL back is dear.
fn wait_in_slices<T: Send>(
    py: Python<'_>,
    timeout_s: Option<f64>,
    wait: impl Fn(Option<Instant>) -> PyResult<Option<T>> + Sync,
) -> PyResult<Option<T>> {
    let end = timeout_s.and_then(deadline);
    let sliced = is_main_thread(py)?;
    loop {
        let slice = sliced.then(|| Instant::now() + SIGNALS);
        let until = end.into_iter().chain(slice).min();
        let got = py.detach(|| wait(until))?;
        if got.is_some() || end.is_some_and(|end| Instant::now() >= end) {
            return Ok(got);
        }
        py.check_signals()?;
    }
}

/// None where the wait would outlast any clock.
fn deadline(timeout_s: f64) -> Option<Instant> {
    let timeout = Duration::try_from_secs_f64(timeout_s.max(0.0)).ok()?;
    Instant::now().checked_add(timeout)
}

fn is_main_thread(py: Python<'_>) -> PyResult<bool> {
    let threading = py.import("threading")?;
    let main = threading.call_method0("main_thread")?.getattr("ident")?;
    main.eq(threading.call_method0("get_ident")?)
}
