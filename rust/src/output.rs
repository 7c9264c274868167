//! One open device stream, on a thread of its own that survives a hung sound server.

use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use cpal::traits::{DeviceTrait, StreamTrait};
use cpal::{BufferSize, Device, FromSample, SampleFormat, SizedSample, Stream, StreamConfig};

use crate::bell::Bell;
use crate::buffer::SharedBuffer;
use crate::callback::{Callback, Slot};
use crate::devices::{self, DeviceError};
use crate::formats::{buffer_size, choose_config};
use crate::health::Health;
use crate::hosts;
use crate::render::Consumer;

/// Which stream to open.
#[derive(Clone, Debug)]
pub struct StreamRequest {
    /// A name from [`hosts::backend_names`].
    pub backend: String,
    /// A device's id or name; the default device if absent.
    pub device: Option<String>,
    /// Frames per callback, where the backend lets us ask; about 50 ms if absent.
    pub buffer_frames: Option<u32>,
}

/// The stream that was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamInfo {
    /// The device's id.
    pub id: String,
    /// The device's name.
    pub name: String,
    /// Interleaved channels of the stream; content plays on the first two.
    pub channels: u16,
    /// "f32" wherever the device takes it.
    pub format: String,
    /// Frames per callback as the backend settled them; 0 if it does not say.
    pub buffer_frames: u32,
}

/// What a stream's callbacks share with the control side.
struct Parts {
    slot: Slot,
    buffer: Arc<SharedBuffer>,
    health: Arc<Health>,
}

enum Command {
    Pause(mpsc::SyncSender<bool>),
    Close,
}

/// A playing stream. Dropping it cuts the stream off and lets its thread end by itself.
pub struct Output {
    commands: mpsc::Sender<Command>,
    ended: mpsc::Receiver<()>,
    slot: Slot,
    health: Arc<Health>,
    info: StreamInfo,
}

impl Output {
    /// Opens a stream at the buffer's rate and starts it, at most `timeout` long. It plays
    /// what `consumer`, the buffer's, renders; that one is dropped if opening fails.
    pub fn open(
        request: StreamRequest,
        buffer: Arc<SharedBuffer>,
        consumer: Consumer,
        bell: Arc<Bell>,
        timeout: Duration,
    ) -> Result<Self, DeviceError> {
        let slot: Slot = Arc::new(Mutex::new(Some(consumer)));
        let health = Arc::new(Health::new(bell));
        let (commands, receive_commands) = mpsc::channel();
        let (send_opened, opened) = mpsc::sync_channel(1);
        let (ending, ended) = mpsc::channel();
        let parts = Parts {
            slot: Arc::clone(&slot),
            buffer,
            health: Arc::clone(&health),
        };
        let owner = thread::Builder::new()
            .name("legato-output".into())
            .spawn(move || {
                let _ending = ending; // dropped last: tells `close` that the stream is gone
                own_stream(&request, parts, send_opened, receive_commands, timeout);
            });
        owner.map_err(|e| DeviceError::Unavailable(e.to_string()))?;
        let answer = opened
            .recv_timeout(timeout)
            .unwrap_or_else(hosts::no_answer);
        if answer.is_err() {
            take_consumer(&slot); // a stream that opens too late stays silent
        }
        answer.map(|info| Self {
            commands,
            ended,
            slot,
            health,
            info,
        })
    }

    /// Asks the backend to stop the sound at once, keeping the stream. False where it cannot,
    /// or does not answer within `timeout`.
    pub fn pause_server(&self, timeout: Duration) -> bool {
        let (reply, answer) = mpsc::sync_channel(1);
        self.commands.send(Command::Pause(reply)).is_ok()
            && answer.recv_timeout(timeout).unwrap_or(false)
    }

    /// Ends the stream; what the device has not played is dropped. The consumer is free
    /// when this returns. False if the stream is not gone after `timeout` (its server
    /// hangs): it is cut off and ends by itself.
    pub fn close(self, timeout: Duration) -> bool {
        take_consumer(&self.slot);
        // An owner thread that is gone already needs no command.
        let _ = self.commands.send(Command::Close);
        self.ended.recv_timeout(timeout) == Err(mpsc::RecvTimeoutError::Disconnected)
    }

    /// What the callbacks report.
    pub fn health(&self) -> &Arc<Health> {
        &self.health
    }

    /// The stream that was opened.
    pub fn info(&self) -> &StreamInfo {
        &self.info
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        take_consumer(&self.slot);
    }
}

/// Detaches the consumer, here rather than on the audio thread: it may free the ring.
fn take_consumer(slot: &Slot) {
    slot.lock().unwrap_or_else(PoisonError::into_inner).take();
}

/// The owner thread: builds the stream, obeys commands, and drops it when they end.
fn own_stream(
    request: &StreamRequest,
    parts: Parts,
    opened: mpsc::SyncSender<Result<StreamInfo, DeviceError>>,
    commands: mpsc::Receiver<Command>,
    timeout: Duration,
) {
    let stream = match start_stream(request, parts, timeout) {
        Ok((stream, info)) => {
            if opened.send(Ok(info)).is_err() {
                return; // given up meanwhile
            }
            stream
        }
        Err(error) => {
            let _ = opened.send(Err(error)); // nobody listens if it was given up
            return;
        }
    };
    while let Ok(Command::Pause(reply)) = commands.recv() {
        let _ = reply.send(stream.pause().is_ok()); // nobody listens if it took too long
    }
}

fn start_stream(
    request: &StreamRequest,
    parts: Parts,
    timeout: Duration,
) -> Result<(Stream, StreamInfo), DeviceError> {
    let device = hosts::with_host(&request.backend, |host| {
        devices::find_device(host, &request.backend, request.device.as_deref())
    })?;
    let rate_hz = parts.buffer.sample_rate_hz();
    let range = choose_config(&device, rate_hz)?;
    let wanted = buffer_size(&request.backend, request.buffer_frames, range.buffer_size());
    let build = |buffer_size| {
        let config = StreamConfig {
            channels: range.channels(),
            sample_rate: rate_hz,
            buffer_size,
        };
        build_stream(&device, config, range.sample_format(), &parts, timeout)
    };
    let stream = match build(wanted) {
        // Some devices refuse every size but their own.
        Err(DeviceError::Unsupported(_)) if wanted != BufferSize::Default => {
            build(BufferSize::Default)?
        }
        built => built?,
    };
    stream.play()?;
    let (id, name) = devices::label(&device);
    let info = StreamInfo {
        id,
        name,
        channels: range.channels(),
        format: range.sample_format().to_string(),
        buffer_frames: stream.buffer_size().unwrap_or(0),
    };
    Ok((stream, info))
}

fn build_stream(
    device: &Device,
    config: StreamConfig,
    format: SampleFormat,
    parts: &Parts,
    timeout: Duration,
) -> Result<Stream, DeviceError> {
    match format {
        SampleFormat::F32 => build_as::<f32>(device, config, parts, timeout),
        SampleFormat::I32 => build_as::<i32>(device, config, parts, timeout),
        SampleFormat::I16 => build_as::<i16>(device, config, parts, timeout),
        SampleFormat::U16 => build_as::<u16>(device, config, parts, timeout),
        other => Err(DeviceError::Unsupported(format!("sample format {other}"))),
    }
}

fn build_as<T: SizedSample + FromSample<f32>>(
    device: &Device,
    config: StreamConfig,
    parts: &Parts,
    timeout: Duration,
) -> Result<Stream, DeviceError> {
    let Parts {
        slot,
        buffer,
        health,
    } = parts;
    let (slot, buffer, health) = (Arc::clone(slot), Arc::clone(buffer), Arc::clone(health));
    let mut callback = Callback::new(
        slot,
        Arc::clone(&buffer),
        Arc::clone(&health),
        config.channels,
    );
    let stream = device.build_output_stream::<T, _, _>(
        config,
        move |out, info| callback.run(out, info),
        move |error| health.on_error(error.kind(), buffer.position().heard),
        Some(timeout),
    )?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buffer::Geometry;

    #[test]
    fn a_stream_that_cannot_be_opened_gives_the_consumer_back() {
        let geometry = Geometry::of(48_000, 1.0).expect("a second fits");
        let buffer = SharedBuffer::new(48_000, geometry);
        let request = StreamRequest {
            backend: "gramophone".into(),
            device: None,
            buffer_frames: None,
        };
        for _ in 0..2 {
            let consumer = buffer.attach_consumer().expect("the reading end is free");
            let opened = Output::open(
                request.clone(),
                Arc::clone(&buffer),
                consumer,
                Arc::default(),
                Duration::from_secs(5),
            );
            assert!(matches!(opened.err(), Some(DeviceError::UnknownBackend(_))));
        }
    }
}
