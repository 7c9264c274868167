//! Why no device's thread ever frees a buffer.
//!
//! Beside its users every buffer is kept here. So dropping a `Consumer`, wherever the
//! audio library does that, only lowers a count; the storage goes when the next buffer
//! is made or when Python lets go of one, on threads that may free memory.

use std::sync::{Arc, Mutex, MutexGuard};

use crate::buffer::SharedBuffer;

/// Every buffer in the process.
pub(crate) static BUFFERS: Keeper<SharedBuffer> = Keeper::new();

/// One more owner for each of many things.
pub(crate) struct Keeper<T>(Mutex<Vec<Arc<T>>>);

impl<T> Keeper<T> {
    const fn new() -> Self {
        Self(Mutex::new(Vec::new()))
    }

    /// Keep `thing` until `release` finds that nobody uses it; called once for each.
    pub fn keep(&self, thing: &Arc<T>) {
        self.release(None);
        self.kept().push(Arc::clone(thing));
    }

    /// Let go of the things that nobody but `last_user`, if given, uses any more.
    pub fn release(&self, last_user: Option<&Arc<T>>) {
        self.kept().retain(|thing| {
            let known = last_user.is_some_and(|user| Arc::ptr_eq(user, thing));
            Arc::strong_count(thing) > 1 + usize::from(known)
        });
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Arc<T>>> {
        self.0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_outlives_its_last_user_is_freed_by_the_next_release() {
        let keeper = Keeper::new();
        let (user, device) = (Arc::new(1), Arc::new(2));
        let (user_gone, device_gone) = (Arc::downgrade(&user), Arc::downgrade(&device));
        keeper.keep(&user);
        keeper.keep(&device);
        drop(device); // as a device's thread would
        assert_eq!(device_gone.strong_count(), 1);
        keeper.release(Some(&user));
        assert_eq!(
            (user_gone.strong_count(), device_gone.strong_count()),
            (1, 0)
        );
        drop(user);
        assert_eq!(user_gone.strong_count(), 0);
    }

    #[test]
    fn what_is_used_elsewhere_stays() {
        let keeper = Keeper::new();
        let user = Arc::new(1);
        let other = Arc::clone(&user);
        keeper.keep(&user);
        keeper.release(Some(&user));
        keeper.release(None);
        drop(user);
        assert_eq!(Arc::strong_count(&other), 2);
    }
}
