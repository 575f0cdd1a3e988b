//! Line charts: inline SVG from the server, with the same data as a table beside it. Drawn with the stylesheet's classes
//! alone, because the content security policy knows no inline style.

use std::fmt::Write as _;

use fleet::{StoredReading, Timestamp};
use objects::Value;

use crate::show::Moment;

/// A chart of numbers over time.
pub(crate) struct Chart {
    pub(crate) title: String,
    pub(crate) description: String,
    /// The line, as the points of an SVG polyline.
    pub(crate) points: String,
    /// The only point, where there is one.
    pub(crate) single: bool,
    pub(crate) top: String,
    pub(crate) bottom: String,
    pub(crate) from: Moment,
    pub(crate) to: Moment,
    /// What was drawn, the newest first.
    pub(crate) rows: Vec<(Moment, String)>,
    /// How many readings there are of which those were chosen.
    pub(crate) of: usize,
}

impl Chart {
    /// How many points are drawn at most.
    pub(crate) const POINTS: usize = 300;
    const WIDTH: f64 = 600.0;
    const HEIGHT: f64 = 160.0;
    const EDGE: f64 = 6.0;

    /// The chart of readings, newest first; none if there are no numbers among them.
    pub(crate) fn new(name: &str, unit: &str, readings: &[StoredReading], now: Timestamp) -> Option<Self> {
        let mut points: Vec<(i64, f64)> = readings
            .iter()
            .filter_map(|reading| Some((reading.at().0, number(&reading.reading.value)?)))
            .filter(|(_, value)| value.is_finite())
            .collect();
        points.sort_by_key(|(at, _)| *at);
        let of = points.len();
        let points = downsampled(points, Self::POINTS);
        let (first, last) = (*points.first()?, *points.last()?);
        let values = || points.iter().map(|(_, value)| *value);
        let (low, high) =
            (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
        let with_unit =
            |value: f64| if unit.is_empty() { text(value) } else { format!("{} {unit}", text(value)) };
        let (from, to) = (Moment::new(Timestamp(first.0), now), Moment::new(Timestamp(last.0), now));
        let description = format!(
            "{of} values from {} to {} UTC, lowest {}, highest {}, latest {}.",
            from.text,
            to.text,
            with_unit(low),
            with_unit(high),
            with_unit(last.1)
        );
        let rows =
            points.iter().rev().map(|(at, value)| (Moment::new(Timestamp(*at), now), with_unit(*value)));
        Some(Self {
            title: format!("{name} over time"),
            description,
            points: line(&points, low, high),
            single: points.len() == 1,
            top: with_unit(high),
            bottom: with_unit(low),
            rows: rows.collect(),
            from,
            to,
            of,
        })
    }

    /// Whether fewer points are drawn than there are.
    pub(crate) fn thinned(&self) -> bool {
        self.rows.len() < self.of
    }
}

/// A value as a number, if it is one.
pub(crate) fn number(value: &Value) -> Option<f64> {
    match value {
        #[expect(clippy::cast_precision_loss, reason = "a chart has no more precision than its pixels")]
        Value::Integer(number) => Some(*number as f64),
        #[expect(clippy::cast_precision_loss, reason = "a chart has no more precision than its pixels")]
        Value::Unsigned(number) => Some(*number as f64),
        Value::Float(number) => Some(*number),
        Value::Boolean(truth) => Some(f64::from(u8::from(*truth))),
        _ => None,
    }
}

/// The lowest and the highest point of each of as many stretches as make `most` points, and the ends as they are: what
/// stands out stays, which an average would hide.
fn downsampled(points: Vec<(i64, f64)>, most: usize) -> Vec<(i64, f64)> {
    if points.len() <= most {
        return points;
    }
    let (first, last) = (points[0], points[points.len() - 1]);
    let inner = &points[1..points.len() - 1];
    let stretch = inner.len().div_ceil((most - 2) / 2);
    let mut chosen = vec![first];
    for stretch in inner.chunks(stretch) {
        let low = stretch.iter().min_by(|one, other| one.1.total_cmp(&other.1));
        let high = stretch.iter().max_by(|one, other| one.1.total_cmp(&other.1));
        let (Some(low), Some(high)) = (low, high) else { continue };
        let (one, other) = if low.0 <= high.0 { (low, high) } else { (high, low) };
        chosen.push(*one);
        if one != other {
            chosen.push(*other);
        }
    }
    chosen.push(last);
    chosen
}

fn line(points: &[(i64, f64)], low: f64, high: f64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a chart has no more precision than its pixels")]
    let since = |at: i64| at.saturating_sub(points[0].0) as f64;
    let span = since(points[points.len() - 1].0).max(1.0);
    let (width, height) = (Chart::WIDTH - 2.0 * Chart::EDGE, Chart::HEIGHT - 2.0 * Chart::EDGE);
    let mut line = String::with_capacity(points.len() * 14);
    for (at, value) in points {
        let x = Chart::EDGE + since(*at) / span * width;
        // Halves first: the difference of two finite numbers need not be one.
        let part = if high > low { (value / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0) } else { 0.5 };
        let y = Chart::EDGE + (1.0 - part) * height;
        write!(line, "{x:.1},{y:.1} ").expect("writing to a String does not fail");
    }
    line.truncate(line.trim_end().len());
    line
}

fn text(value: f64) -> String {
    let rounded = (value * 1_000.0).round() / 1_000.0;
    if rounded.is_finite() && value.abs() < 1e12 { format!("{rounded}") } else { format!("{value:e}") }
}

#[cfg(test)]
mod tests {
    use fleet::Reading;
    use objects::Path;

    use super::*;

    fn readings(values: impl IntoIterator<Item = f64>) -> Vec<StoredReading> {
        let path: Path = "/3303/0/5700".parse().unwrap();
        let reading = |(index, value)| StoredReading {
            reading: Reading { path, value: Value::Float(value), device_time: None },
            received_at: Timestamp(i64::try_from(index).unwrap() * 1_000),
            sequence: 0,
        };
        let mut readings: Vec<StoredReading> = values.into_iter().enumerate().map(reading).collect();
        readings.reverse();
        readings
    }

    #[test]
    fn what_stands_out_survives_the_thinning() {
        let values = (0..10_000).map(|index| if index == 4_321 { 99.0 } else { f64::from(index % 7) });
        let chart = Chart::new("Sensor", "Cel", &readings(values), Timestamp(0)).unwrap();
        assert!(chart.rows.len() <= Chart::POINTS, "{}", chart.rows.len());
        assert_eq!((chart.top.as_str(), chart.bottom.as_str(), chart.of), ("99 Cel", "0 Cel", 10_000));
        assert!(chart.rows.iter().any(|(_, value)| value == "99 Cel"));
        assert!(chart.thinned());
    }

    #[test]
    fn strange_numbers_draw_a_line_all_the_same() {
        for values in [vec![1.0], vec![2.0, 2.0], vec![f64::MAX, f64::MIN], vec![f64::NAN, 1.0]] {
            let chart = Chart::new("x", "", &readings(values.clone()), Timestamp(0)).unwrap();
            assert!(
                !chart.points.contains("NaN") && !chart.points.contains("inf"),
                "{values:?}: {}",
                chart.points
            );
        }
        assert!(Chart::new("x", "", &readings([f64::NAN]), Timestamp(0)).is_none());
        assert!(Chart::new("x", "", &[], Timestamp(0)).is_none());
    }
}
