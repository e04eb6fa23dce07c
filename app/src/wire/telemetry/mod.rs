//! Who measures: `kmip-telemetry`, or nobody in a build without the feature `otel`.

#[cfg(feature = "otel")]
mod measured;
#[cfg(not(feature = "otel"))]
mod unmeasured;

use std::sync::Arc;

#[cfg(feature = "otel")]
pub(crate) use self::measured::{Telemetry, collector};
#[cfg(not(feature = "otel"))]
pub(crate) use self::unmeasured::Telemetry;
use crate::{config, report::Report};

/// Writes every metric as Prometheus reads it.
pub(crate) type Exposition = Arc<dyn Fn() -> String + Send + Sync>;

/// Checks what the configuration says of telemetry.
pub(crate) fn check(telemetry: &config::Telemetry) -> Result<(), Report> {
    if !cfg!(feature = "otel") && telemetry.endpoint.is_some() {
        return Err(super::missing("telemetry.endpoint", "otel"));
    }
    if !(0.0..=1.0).contains(&telemetry.sample_ratio) {
        return Err(Report::new("telemetry.sample_ratio must be between 0 and 1"));
    }
    if telemetry.metrics_seconds == 0 {
        return Err(Report::new("telemetry.metrics_seconds must be at least 1"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Telemetry as Section;

    #[test]
    fn a_ratio_is_a_part_and_an_interval_is_some_time() {
        assert!(check(&Section::default()).is_ok());
        for ratio in [-0.1, 1.1, f64::NAN] {
            let section = Section { sample_ratio: ratio, ..Section::default() };
            assert!(check(&section).unwrap_err().to_string().contains("sample_ratio"));
        }
        let section = Section { metrics_seconds: 0, ..Section::default() };
        assert!(check(&section).unwrap_err().to_string().contains("metrics_seconds"));
    }
}
