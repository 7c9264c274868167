//! Connections to the backends.
//!
//! Sound servers can hang, so whatever asks one runs on a thread of its own and is given
//! up after a timeout. Such a thread ends when the server answers after all.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use cpal::{Host, HostId};

use crate::devices::DeviceError;

/// The backends compiled in: "pulseaudio", "alsa", "jack", "pipewire", "wasapi", "asio",
/// "coreaudio".
pub fn backend_names() -> Vec<String> {
    cpal::ALL_HOSTS.iter().map(HostId::to_string).collect()
}

/// Runs `work` on a thread of its own and waits for it at most `timeout`.
pub(crate) fn within<T: Send + 'static>(
    timeout: Duration,
    work: impl FnOnce() -> Result<T, DeviceError> + Send + 'static,
) -> Result<T, DeviceError> {
    let (send, receive) = mpsc::sync_channel(1);
    let spawned = thread::Builder::new()
        .name("legato-devices".into())
        .spawn(move || {
            // The receiver is gone if the wait was given up: nobody needs the answer then.
            let _ = send.send(work());
        });
    spawned.map_err(|error| DeviceError::Unavailable(error.to_string()))?;
    receive.recv_timeout(timeout).unwrap_or_else(no_answer)
}

/// No answer came: too late, or never, since the thread that asked is gone.
pub(crate) fn no_answer<T>(reason: RecvTimeoutError) -> Result<T, DeviceError> {
    Err(match reason {
        RecvTimeoutError::Timeout => DeviceError::TimedOut,
        RecvTimeoutError::Disconnected => {
            DeviceError::Unavailable("the backend failed without saying why".into())
        }
    })
}

/// Asks a backend something, and keeps what ALSA prints on stderr about absent hardware to
/// ourselves: the errors come back as values. (JACK's messages go to the `log` crate.)
pub(crate) fn with_host<T>(
    backend: &str,
    ask: impl FnOnce(&Host) -> Result<T, DeviceError>,
) -> Result<T, DeviceError> {
    let id = cpal::ALL_HOSTS
        .iter()
        .find(|id| id.to_string() == backend)
        .ok_or_else(|| DeviceError::UnknownBackend(backend_names()))?;
    #[cfg(target_os = "linux")]
    let _alsa_errors = alsa::Output::local_error_handler();
    #[cfg(all(target_os = "linux", feature = "pulseaudio"))]
    if *id == HostId::PulseAudio {
        return pulse::with_connection(ask);
    }
    ask(&cpal::host_from_id(*id)?)
}

/// One connection to PulseAudio for the process: cpal's client now and then leaves a thread
/// and its socket behind when it is dropped, which would add up over many reopenings.
#[cfg(all(target_os = "linux", feature = "pulseaudio"))]
mod pulse {
    use std::env;
    use std::ffi::OsString;
    use std::sync::{Mutex, PoisonError};

    use cpal::traits::HostTrait;
    use cpal::{Host, HostId};

    use crate::devices::DeviceError;

    /// What a server's address is made of.
    type Address = [Option<OsString>; 3];

    static CONNECTION: Mutex<Option<(Address, Host)>> = Mutex::new(None);

    pub(super) fn with_connection<T>(
        ask: impl FnOnce(&Host) -> Result<T, DeviceError>,
    ) -> Result<T, DeviceError> {
        // Where the server hangs, all who ask it wait here, each on a thread of its own.
        let mut connection = CONNECTION.lock().unwrap_or_else(PoisonError::into_inner);
        let address = ["PULSE_SERVER", "PULSE_RUNTIME_PATH", "XDG_RUNTIME_DIR"].map(env::var_os);
        if let Some((known, host)) = connection.as_ref()
            && *known == address
            && host.devices().is_ok()
        {
            return ask(host);
        }
        *connection = None;
        let host = cpal::host_from_id(HostId::PulseAudio)?;
        ask(&connection.insert((address, host)).1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hung_server_is_given_up() {
        let (_keep, never) = mpsc::channel::<()>();
        let hung = move || {
            let answer = never.recv();
            answer.map_err(|error| DeviceError::Unavailable(error.to_string()))
        };
        let timeout = Duration::from_millis(20);
        assert_eq!(within(timeout, hung), Err(DeviceError::TimedOut));
    }

    #[test]
    fn an_asking_thread_that_dies_is_no_timeout() {
        let (send, receive) = mpsc::sync_channel::<()>(1);
        drop(send);
        let reason = receive.recv_timeout(Duration::from_secs(5)).unwrap_err();
        let answer = no_answer::<()>(reason);
        assert!(matches!(answer, Err(DeviceError::Unavailable(_))));
    }

    #[test]
    fn an_unknown_backend_names_those_that_exist() {
        let error = with_host("gramophone", |_| Ok(())).unwrap_err();
        assert_eq!(error, DeviceError::UnknownBackend(backend_names()));
    }
}
