//! What a device hands to its caller.

use coap::{Code, Failure, SendError};
use objects::Path;

use crate::{Account, Argument, Inconsistency};

/// Something to send, or something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Output {
    /// Send these bytes to the server, as one datagram.
    Transmit {
        /// The datagram.
        bytes: Vec<u8>,
    },
    /// Make a session with this server, in place of the one there may be, and say so by
    /// [`Device::connected`](crate::Device::connected) or [`Device::connection_failed`](crate::Device::connection_failed).
    /// What is to be transmitted after this goes there; datagrams of an earlier session are not to be handed in any more.
    Connect {
        /// The server.
        to: Account,
    },
    /// Take note.
    Event(Event),
}

/// Something that happened to the device.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The server has taken the Register.
    Registered {
        /// Where the registration is, such as `/rd/7`.
        location: String,
    },
    /// The server has taken an Update.
    UpdateAccepted,
    /// The server has taken the Deregister.
    Deregistered,
    /// The bootstrap server has taken the request for a bootstrap.
    BootstrapAccepted,
    /// The bootstrap server has finished, and the device takes what it has got.
    Bootstrapped,
    /// The bootstrap server has finished, and the device cannot work with what it has got. It waits for more.
    BootstrapInconsistent {
        /// What is wrong.
        reason: Inconsistency,
    },
    /// The bootstrap server has been silent for too long. The device is as it was before.
    BootstrapAbandoned,
    /// The server has taken a Send.
    SendAccepted,
    /// The server has answered with an error.
    Rejected {
        /// What it has rejected.
        interaction: Interaction,
        /// Its answer.
        code: Code,
    },
    /// The server has not answered.
    Unanswered {
        /// What it has not answered.
        interaction: Interaction,
        /// What is known of the reason.
        failure: Failure,
    },
    /// A request could not be put into a message.
    Unsent {
        /// Which one.
        interaction: Interaction,
        /// Why.
        error: SendError,
    },
    /// The server has written something.
    Written {
        /// What it named in the request.
        path: Path,
    },
    /// The server has changed when something is reported.
    AttributesWritten {
        /// What it named in the request.
        path: Path,
    },
    /// The server has executed something.
    Executed {
        /// The resource.
        path: Path,
        /// The arguments.
        arguments: Vec<Argument>,
    },
    /// The server has made an instance.
    Created {
        /// The instance.
        path: Path,
    },
    /// The server has deleted an instance.
    Deleted {
        /// The instance.
        path: Path,
    },
    /// The server observes something.
    Observed {
        /// What it observes.
        path: Path,
    },
    /// The server does not observe something any more: it cancelled, or what it observed is gone.
    ObservationEnded {
        /// What it observed.
        path: Path,
    },
    /// The server has acknowledged a confirmable notification.
    Notified {
        /// What it observes.
        path: Path,
    },
    /// A device in queue mode has closed its window and hears nothing.
    Asleep,
    /// A device in queue mode hears again.
    Awake,
    /// The device starts anew, because the server wants it to.
    Rebooting,
}

/// What a device asks of its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interaction {
    /// Bootstrap-Request
    Bootstrap,
    /// Register
    Register,
    /// Update
    Update,
    /// Deregister
    Deregister,
    /// Send
    Send,
}
