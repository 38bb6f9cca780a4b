//! What is done for other devices, where there is none.

use std::cell::Cell;

thread_local! {
    static ON: Cell<bool> = const { Cell::new(false) };
}

/// Whether this thread takes the processor for another device.
pub(crate) fn is_on() -> bool {
    ON.get()
}

/// Runs `work` on this thread, which takes the processor for another device as long as that takes: pictures are uploaded as levels, a
/// batch ahead, and networks run as they would there. So a run on a graphics device can be tested on a machine without any.
pub fn as_other_device<T>(work: impl FnOnce() -> T) -> T {
    struct Reset(bool);
    impl Drop for Reset {
        fn drop(&mut self) {
            ON.set(self.0);
        }
    }
    let _reset = Reset(ON.replace(true));
    work()
}
