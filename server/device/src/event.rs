//! What a device hands to its caller.

use coap::{Code, Failure, SendError};
use objects::{InstanceId, Path};

use crate::{
    Account, Argument, Delivered, FirmwareState, Inconsistency, SoftwareResult, SoftwareState, UpdateResult,
};

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
    /// Do this so that the device can fetch a firmware package.
    Fetch(Fetch),
    /// Take note.
    Event(Event),
}

/// What the fetching of a firmware package needs. There is one at a time.
#[derive(Clone, Debug, PartialEq)]
pub enum Fetch {
    /// Make a session with this server, beside the one there may be with the management server, and say so by
    /// [`Device::fetch_connected`](crate::Device::fetch_connected) or [`Device::fetch_failed`](crate::Device::fetch_failed).
    /// Datagrams go there by [`Self::Transmit`] and come from there to
    /// [`Device::handle_fetch_datagram`](crate::Device::handle_fetch_datagram).
    Connect {
        /// The server.
        to: Account,
    },
    /// Send these bytes there, as one datagram.
    Transmit {
        /// The datagram.
        bytes: Vec<u8>,
    },
    /// Get this by HTTP, and give the bytes to [`Device::fetched`](crate::Device::fetched) as they come.
    Get {
        /// The URI.
        uri: String,
        /// From which byte on.
        from: usize,
    },
    /// It is over: the session can be closed, and what is still to come is not wanted.
    End,
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
    /// The device starts anew, because the server wants it to, or with another firmware.
    Rebooting,
    /// A firmware update has come this far.
    Firmware {
        /// `/5/0/3`
        state: FirmwareState,
        /// `/5/0/5`
        result: UpdateResult,
    },
    /// An instance of the software has come this far.
    Software {
        /// Which one.
        instance: InstanceId,
        /// `/9/x/7`
        state: SoftwareState,
        /// `/9/x/9`
        result: SoftwareResult,
    },
    /// A firmware package has come whole.
    PackageDelivered {
        /// What there is to know of it.
        delivered: Delivered,
    },
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
