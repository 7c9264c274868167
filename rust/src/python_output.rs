//! The binding of devices and streams: what `legato.audio.native` is made of.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use pyo3::import_exception;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;

use crate::bell::{Bell, Verdict};
use crate::buffer::SharedBuffer;
use crate::devices::{self, DeviceError, DeviceInfo};
use crate::health::{Counts, Health};
use crate::hosts;
use crate::output::{Output, StreamInfo, StreamRequest};
use crate::python::{AudioBuffer, value_class};

import_exception!(legato.errors, BufferBusy);
import_exception!(legato.errors, NoAudioDevice);
import_exception!(legato.errors, OutputError);
import_exception!(legato.errors, UnknownBackend);
import_exception!(legato.errors, UnknownDevice);

/// Backends that play what they were given even if the stream then ends.
const PLAYS_ON: [&str; 2] = ["jack", "asio"];

/// A stream that can be opened again and again under one buffer; see `DeviceStream`.
#[pyclass(frozen, module = "legato._native")]
struct NativeStream {
    buffer: Arc<SharedBuffer>,
    backend: String,
    buffer_frames: Option<u32>,
    bell: Arc<Bell>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    output: Option<Output>,
    closings: u64,
    info: Option<StreamInfo>,
    health: Option<Arc<Health>>, // the last stream's, also after its end
}

#[pymethods]
impl NativeStream {
    #[new]
    #[pyo3(signature = (buffer, backend, buffer_frames = None))]
    fn new(buffer: &AudioBuffer, backend: String, buffer_frames: Option<u32>) -> Self {
        Self {
            buffer: Arc::clone(&buffer.shared),
            backend,
            buffer_frames,
            bell: Arc::default(),
            state: Mutex::default(),
        }
    }

    /// Not under the lock, which a `close` meanwhile must not wait for.
    fn open(&self, py: Python<'_>, device: Option<String>, timeout_s: f64) -> PyResult<()> {
        let closings = self.state().closings;
        let wanted = device.clone();
        let opened = py.detach(|| self.open_output(device, seconds(timeout_s)))?;
        let output = opened.map_err(|error| self.raise(error, wanted.as_deref()))?;
        let mut state = self.state();
        if state.closings != closings {
            return Err(OutputError::new_err(
                "the output was closed while it opened",
            ));
        }
        state.info = Some(output.info().clone());
        state.health = Some(Arc::clone(output.health()));
        state.output = Some(output);
        Ok(())
    }

    /// False if the stream did not end in time; it is cut off then.
    fn close(&self, py: Python<'_>, timeout_s: f64) -> bool {
        py.detach(|| match self.take_output() {
            Some(output) => output.close(seconds(timeout_s)),
            None => true,
        })
    }

    /// All in one call: taking the GIL back in between would cost the time it saves.
    fn halt(&self, py: Python<'_>, timeout_s: f64) -> u64 {
        py.detach(|| {
            let output = self.take_output();
            if let Some(output) = &output {
                output.pause_server(seconds(timeout_s));
            }
            let at = self.buffer.position();
            let played_on = output.is_some() && PLAYS_ON.contains(&self.backend.as_str());
            if let Some(output) = output {
                output.close(seconds(timeout_s));
            }
            if played_on { at.read } else { at.heard }
        })
    }

    fn wait(&self, py: Python<'_>, timeout_s: f64) -> &'static str {
        let state = self.state();
        let playing = state.output.is_some();
        let health = state.health.clone().filter(|_| playing);
        drop(state);
        let timeout = seconds(timeout_s);
        let verdict = py.detach(|| match health {
            Some(health) => health.wait(timeout),
            None => self.bell.wait(timeout, || Verdict::Quiet),
        });
        match verdict {
            Verdict::Quiet => "quiet",
            Verdict::Woken => "woken",
            Verdict::Running => "running",
            Verdict::Lost => "lost",
            Verdict::Stalled => "stalled",
        }
    }

    fn wake(&self) {
        self.bell.wake();
    }

    fn ending(&self) -> (u64, f64) {
        let health = self.state().health.clone();
        let (heard, ago) = health.map(|health| health.ending()).unwrap_or_default();
        (heard, ago.as_secs_f64())
    }

    #[getter]
    fn device_id(&self) -> String {
        let info = self.state().info.clone();
        info.map(|info| info.id).unwrap_or_default()
    }

    #[getter]
    fn device_name(&self) -> String {
        let info = self.state().info.clone();
        info.map(|info| info.name).unwrap_or_default()
    }

    #[getter]
    fn latency_s(&self) -> f64 {
        self.counts().behind_samples as f64 / f64::from(self.buffer.sample_rate_hz())
    }

    fn status<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
        let class = value_class(py, &CLASS, "legato.audio.audio_output", "StreamStatus")?;
        let counts = self.counts();
        let state = self.state();
        let playing = state.output.is_some();
        let info = state.info.clone();
        drop(state);
        let (format, channels, buffer_frames) = info.map_or_else(Default::default, |info| {
            (info.format, info.channels, info.buffer_frames)
        });
        class.call1((
            playing,
            format,
            channels,
            buffer_frames,
            counts.callbacks,
            counts.frames,
            counts.last_callback_age_s,
            counts.latency_s,
            counts.xruns,
            counts.ignored_errors,
            counts.realtime_denied,
        ))
    }
}

impl NativeStream {
    fn open_output(
        &self,
        device: Option<String>,
        timeout: Duration,
    ) -> PyResult<Result<Output, DeviceError>> {
        let consumer = self.buffer.attach_consumer().map_err(|_| {
            BufferBusy::new_err("the buffer has a consumer already: detach that one first")
        })?;
        let request = StreamRequest {
            backend: self.backend.clone(),
            device,
            buffer_frames: self.buffer_frames,
        };
        let (buffer, bell) = (Arc::clone(&self.buffer), Arc::clone(&self.bell));
        Ok(Output::open(request, buffer, consumer, bell, timeout))
    }

    fn take_output(&self) -> Option<Output> {
        let mut state = self.state();
        state.closings += 1;
        state.output.take()
    }

    fn counts(&self) -> Counts {
        let health = self.state().health.clone();
        health.map(|health| health.counts()).unwrap_or_default()
    }

    fn raise(&self, error: DeviceError, device: Option<&str>) -> PyErr {
        raise(error, &self.backend, device)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[pyfunction]
fn backend_names() -> Vec<String> {
    hosts::backend_names()
}

#[pyfunction]
fn list_devices<'py>(
    py: Python<'py>,
    backend: &str,
    timeout_s: f64,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    let listed = py.detach(|| devices::list_devices(backend, seconds(timeout_s)));
    let infos = listed.map_err(|error| raise(error, backend, None))?;
    infos
        .into_iter()
        .map(|info| device_info(py, info))
        .collect()
}

#[pyfunction]
fn probe<'py>(
    py: Python<'py>,
    backend: &str,
    device: Option<&str>,
    rate_hz: u32,
    timeout_s: f64,
) -> PyResult<Bound<'py, PyAny>> {
    let found = py.detach(|| devices::probe(backend, device, rate_hz, seconds(timeout_s)));
    device_info(py, found.map_err(|error| raise(error, backend, device))?)
}

/// Adds what this file binds to `legato._native`.
pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<NativeStream>()?;
    module.add_function(wrap_pyfunction!(backend_names, module)?)?;
    module.add_function(wrap_pyfunction!(list_devices, module)?)?;
    module.add_function(wrap_pyfunction!(probe, module)?)
}

fn device_info(py: Python<'_>, info: DeviceInfo) -> PyResult<Bound<'_, PyAny>> {
    static CLASS: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let class = value_class(py, &CLASS, "legato.audio.audio_output", "DeviceInfo")?;
    class.call1((
        info.id,
        info.name,
        info.is_default,
        info.channels,
        info.sample_rate_hz,
    ))
}

/// The one place where cpal's errors become Legato's.
fn raise(error: DeviceError, backend: &str, device: Option<&str>) -> PyErr {
    match error {
        DeviceError::UnknownBackend(_) => {
            UnknownBackend::new_err(format!("backend '{backend}': {error}"))
        }
        DeviceError::UnknownDevice(_) => {
            let wanted = device.unwrap_or_default();
            UnknownDevice::new_err(format!("{backend} device '{wanted}': {error}"))
        }
        DeviceError::Unsupported(_) => OutputError::new_err(format!("{backend}: {error}")),
        DeviceError::Unavailable(_) | DeviceError::TimedOut => {
            NoAudioDevice::new_err(format!("{backend}: {error}"))
        }
    }
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(Duration::MAX)
}
