//! The text that Prometheus reads (exposition format 0.0.4), from the instruments of the SDK.

use std::{
    fmt::{self, Display, Write as _},
    sync::{Arc, Weak},
    time::Duration,
};

use opentelemetry::KeyValue;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    metrics::{
        InstrumentKind, ManualReader, Pipeline, Temporality,
        data::{AggregatedMetrics, Metric, MetricData, ResourceMetrics, ScopeMetrics},
        reader::MetricReader,
    },
};

use crate::table::{self, Row};

/// Reads the instruments when asked. Its copies are one reader: the SDK has one, and who asks another.
#[derive(Clone, Debug)]
pub(crate) struct Reader(Arc<ManualReader>);

impl Reader {
    pub(crate) fn new() -> Self {
        Self(Arc::new(ManualReader::builder().build()))
    }

    /// Writes every metric: what it is, also where nothing was counted yet, and its values.
    pub(crate) fn text(&self) -> String {
        let mut read = ResourceMetrics::default();
        // Fails only after a shutdown: then there are no values any more.
        let _ = self.0.collect(&mut read);
        let metrics: Vec<&Metric> = read.scope_metrics().flat_map(ScopeMetrics::metrics).collect();
        let mut text = String::with_capacity(16 * 1024);
        for row in table::ALL {
            let metric = metrics.iter().find(|metric| metric.name() == row.name);
            // Writing to a text cannot fail.
            let _ = write_row(&mut text, row, metric.map(|metric| metric.data()));
        }
        text
    }
}

impl MetricReader for Reader {
    fn register_pipeline(&self, pipeline: Weak<Pipeline>) {
        self.0.register_pipeline(pipeline);
    }

    fn collect(&self, metrics: &mut ResourceMetrics) -> OTelSdkResult {
        self.0.collect(metrics)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn temporality(&self, kind: InstrumentKind) -> Temporality {
        self.0.temporality(kind)
    }
}

fn write_row(text: &mut String, row: &Row, data: Option<&AggregatedMetrics>) -> fmt::Result {
    writeln!(text, "# HELP {} {}", row.prometheus, row.help)?;
    writeln!(text, "# TYPE {} {}", row.prometheus, row.kind.name())?;
    match data {
        Some(AggregatedMetrics::F64(data)) => write_data(text, row, data),
        Some(AggregatedMetrics::U64(data)) => write_data(text, row, data),
        Some(AggregatedMetrics::I64(data)) => write_data(text, row, data),
        None => Ok(()),
    }
}

fn write_data<T: Copy + Display>(
    text: &mut String,
    row: &Row,
    data: &MetricData<T>,
) -> fmt::Result {
    let name = row.prometheus;
    match data {
        MetricData::Gauge(gauge) => {
            for point in gauge.data_points() {
                write_value(text, name, point.attributes(), point.value())?;
            }
        }
        MetricData::Sum(sum) => {
            for point in sum.data_points() {
                write_value(text, name, point.attributes(), point.value())?;
            }
        }
        MetricData::Histogram(histogram) => {
            for point in histogram.data_points() {
                let bounds = point.bounds().map(Some).chain([None]);
                let mut below = 0_u64;
                for (bound, count) in bounds.zip(point.bucket_counts()) {
                    below = below.saturating_add(count);
                    let bound = bound.map_or_else(|| "+Inf".to_owned(), |bound| bound.to_string());
                    write!(text, "{name}_bucket")?;
                    write_labels(text, point.attributes(), Some(&bound))?;
                    writeln!(text, " {below}")?;
                }
                write!(text, "{name}_sum")?;
                write_labels(text, point.attributes(), None)?;
                writeln!(text, " {}", point.sum())?;
                write!(text, "{name}_count")?;
                write_labels(text, point.attributes(), None)?;
                writeln!(text, " {}", point.count())?;
            }
        }
        // None of the metrics is one.
        MetricData::ExponentialHistogram(_) => {}
    }
    Ok(())
}

fn write_value<'a, T: Display>(
    text: &mut String,
    name: &str,
    labels: impl Iterator<Item = &'a KeyValue>,
    value: T,
) -> fmt::Result {
    text.push_str(name);
    write_labels(text, labels, None)?;
    writeln!(text, " {value}")
}

/// Writes labels in the order of their names, and the bound of a bucket after them.
fn write_labels<'a>(
    text: &mut String,
    labels: impl Iterator<Item = &'a KeyValue>,
    bound: Option<&str>,
) -> fmt::Result {
    let mut labels: Vec<(&str, String)> =
        labels.map(|label| (label.key.as_str(), label.value.to_string())).collect();
    labels.sort_unstable();
    labels.extend(bound.map(|bound| ("le", bound.to_owned())));
    for (number, (name, value)) in labels.iter().enumerate() {
        text.push(if number == 0 { '{' } else { ',' });
        let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        write!(text, "{name}=\"{value}\"")?;
    }
    if !labels.is_empty() {
        text.push('}');
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_escaped() {
        let mut text = String::new();
        let labels = [KeyValue::new("b", "x"), KeyValue::new("a", "a\"\\\n")];
        write_labels(&mut text, labels.iter(), Some("0.5")).unwrap();
        assert_eq!(text, "{a=\"a\\\"\\\\\\n\",b=\"x\",le=\"0.5\"}");
    }
}
