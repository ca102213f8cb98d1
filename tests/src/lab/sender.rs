//! Sends frames as they are.

use pcap::{Active, Capture};

/// One end of a cable, to send on.
pub struct Sender {
    capture: Capture<Active>,
}

impl Sender {
    /// Opens an interface of the namespace that the thread is in.
    pub fn open(interface: &str) -> Sender {
        let inactive = Capture::from_device(interface).expect("a name").snaplen(64).buffer_size(1 << 20);
        Sender { capture: inactive.open().expect("the interface can be opened") }
    }

    /// Sends a frame.
    pub fn send(&mut self, frame: &[u8]) {
        self.capture.sendpacket(frame).expect("the frame can be sent");
    }
}
