//! Where clients have what scenarios use: peers differ in their objects.

/// Paths and values of a peer's clients.
#[derive(Clone, Copy, Debug)]
pub struct Places {
    /// A Float that the command `set` changes, and that can be observed.
    pub sensor: &'static str,
    /// The instance it is in.
    pub sensor_instance: &'static str,
    /// The object it is in, whose instances a server may create and delete.
    pub sensor_object: &'static str,
    /// The name of that object.
    pub sensor_object_name: &'static str,
    /// The field for it in the form of a new instance.
    pub sensor_field: &'static str,
    /// A String that a server may write.
    pub text: &'static str,
    /// Values to write there, one after the other.
    pub texts: [&'static str; 5],
    /// A line of a baseline that the peer refuses, and the code of its answer.
    pub refused: (&'static str, &'static str),
    /// What can be executed with arguments.
    pub command: &'static str,
    /// The formats that the peer has not, by their numbers.
    pub unknown_formats: &'static [&'static str],
    /// Resources of the Device instance to write at once, and their values.
    pub device_fields: &'static [(u16, &'static str)],
    /// A resource of an object that the server has no model of, and that can't be executed.
    pub without_model: Option<&'static str>,
}

impl Places {
    /// Whether the peer has a format, by its number.
    pub fn knows_format(&self, format: &str) -> bool {
        !self.unknown_formats.contains(&format)
    }

    /// Of the Leshan harness and the simulated device: Temperature.
    pub(super) const USUAL: Self = Self {
        sensor: "/3303/0/5700",
        sensor_instance: "/3303/0",
        sensor_object: "/3303",
        sensor_object_name: "Temperature",
        sensor_field: "r.5700",
        text: "/3/0/15",
        texts: ["Europe/Vienna", "Europe/Berlin", "Asia/Tokyo", "America/Lima", "Africa/Lagos"],
        refused: ("/1/0/7 = XYZ", "4.00"),
        command: "/3/0/4",
        unknown_formats: &[],
        device_fields: &[(14, "+02:00"), (15, "Europe/Berlin")],
        without_model: Some("/3442/0/110"),
    };

    /// Of Wakaama's client: the test object of its own. It takes no time zone (5.01), but a UTC offset, and knows neither
    /// CBOR nor SenML-CBOR.
    pub(super) const WAKAAMA: Self = Self {
        sensor: "/31024/10/3",
        sensor_instance: "/31024/10",
        sensor_object: "/31024",
        sensor_object_name: "Wakaama Test",
        sensor_field: "r.3",
        text: "/3/0/14",
        texts: ["+02:00", "+03:00", "+04:00", "+05:00", "-06:00"],
        refused: ("/3/0/15 = Europe/Vienna", "5.01"),
        command: "/31024/10/2",
        unknown_formats: &["60", "112"],
        device_fields: &[(14, "+02:00")],
        without_model: None,
    };
}
