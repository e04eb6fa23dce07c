//! The metrics: names, kinds, labels. `docs/metrics.md` is the same table for readers, and a test
//! compares the two.

/// What a metric is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A sum that only grows.
    Counter,
    /// A value of the moment.
    Gauge,
    /// How many values lie below each of some bounds.
    Histogram,
}

impl Kind {
    /// Returns the word for it, as Prometheus has it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// Its name in the text for Prometheus.
    pub prometheus: &'static str,
    /// Its name over OTLP.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// Its unit over OTLP (UCUM).
    pub unit: &'static str,
    /// Its labels.
    pub labels: &'static [&'static str],
    /// What it counts.
    pub help: &'static str,
}

/// Writes the rows: a constant for each, and all of them in their order.
macro_rules! rows {
    ($($constant:ident = $prometheus:literal, $name:literal, $kind:ident, $unit:literal, [$($label:literal),*], $help:literal;)*) => {
        $(
            #[doc = $help]
            pub const $constant: Row = Row {
                prometheus: $prometheus,
                name: $name,
                kind: Kind::$kind,
                unit: $unit,
                labels: &[$($label),*],
                help: $help,
            };
        )*
        /// Every metric, in the order in which they are written.
        pub const ALL: &[Row] = &[$($constant),*];
    };
}

rows! {
    OPERATIONS = "kmip_operations_total", "kmip.operations", Counter, "{item}",
        ["operation", "version", "object_type", "result"], "Batch items answered.";
    OPERATION_DURATION = "kmip_operation_duration_seconds", "kmip.operation.duration", Histogram, "s",
        ["operation"], "Time to run one batch item.";
    MESSAGES = "kmip_messages_total", "kmip.messages", Counter, "{message}",
        ["version", "result"], "Messages answered, or refused as a whole.";
    MESSAGE_DURATION = "kmip_message_duration_seconds", "kmip.message.duration", Histogram, "s",
        ["version"], "Time from the last byte of a request to the first of its answer.";
    CONNECTIONS_OPEN = "kmip_connections_open", "kmip.connections.open", Gauge, "{connection}",
        [], "Connections with a session.";
    CONNECTIONS = "kmip_connections_total", "kmip.connections", Counter, "{connection}",
        ["result"], "Connections accepted, or refused because there were too many.";
    TLS_FAILURES = "kmip_tls_failures_total", "kmip.tls.failures", Counter, "{handshake}",
        ["cause"], "Handshakes that made no session, by cause.";
    TLS_HANDSHAKE_DURATION = "kmip_tls_handshake_duration_seconds", "kmip.tls.handshake.duration",
        Histogram, "s", [], "Time of a handshake that made a session.";
    STORE_DURATION = "kmip_store_duration_seconds", "kmip.store.duration", Histogram, "s",
        ["call"], "Time of a call to the store.";
    STORE_WRITER_QUEUE = "kmip_store_writer_queue", "kmip.store.writer.queue", Gauge, "{request}",
        [], "Requests that wait to be written.";
    STORE_COMMITS = "kmip_store_commits_total", "kmip.store.commits", Counter, "{transaction}",
        [], "Transactions committed by the writer.";
    STORE_COMMITTED_REQUESTS = "kmip_store_committed_requests_total",
        "kmip.store.committed_requests", Counter, "{request}", [],
        "Requests that those transactions carried.";
    STORE_AUDIT_WAITING = "kmip_store_audit_waiting", "kmip.store.audit.waiting", Gauge, "{event}",
        [], "Audit events that wait for a commit.";
    STORE_POOL_CONNECTIONS = "kmip_store_pool_connections", "kmip.store.pool.connections", Gauge,
        "{connection}", ["state"], "Connections to the database.";
    CACHE_RECORDS = "kmip_cache_records", "kmip.cache.records", Gauge, "{record}",
        [], "Sealed records in memory.";
    CACHE_BYTES = "kmip_cache_bytes", "kmip.cache.bytes", Gauge, "By",
        [], "Size of the sealed records in memory.";
    CACHE_LOOKUPS = "kmip_cache_lookups_total", "kmip.cache.lookups", Counter, "{lookup}",
        ["result"], "Looks into that memory.";
    CRYPTO_DURATION = "kmip_crypto_duration_seconds", "kmip.crypto.duration", Histogram, "s",
        ["call"], "Time of a cryptographic call, waiting included.";
    OBJECTS = "kmip_objects", "kmip.objects", Gauge, "{object}",
        ["state"], "Objects in the store by state, counted once a minute.";
    CERTIFICATE_DAYS_LEFT = "kmip_certificate_days_left", "kmip.certificate.days_left", Gauge, "d",
        ["certificate"], "Days until a certificate expires; negative after that.";
    RELOADS = "kmip_reloads_total", "kmip.reloads", Counter, "{reload}",
        ["part", "result"], "Reloads of a part of the configuration.";
    BUILD_INFO = "kmip_build_info", "kmip.build.info", Gauge, "1",
        ["version"], "Always 1.";
    PROCESS_MEMORY = "process_resident_memory_bytes", "process.memory.usage", Gauge, "By",
        [], "Memory of the server.";
    PROCESS_CPU = "process_cpu_seconds_total", "process.cpu.time", Counter, "s",
        [], "Processor time of the server.";
    PROCESS_FILES = "process_open_fds", "process.open_file_descriptor.count", Gauge, "{count}",
        [], "Open files and sockets.";
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = include_str!("../../../docs/metrics.md");

    /// Reads a row of the document: names, kind, labels.
    fn cells(line: &str) -> Option<(String, String, String, Vec<String>)> {
        let mut cells = line.strip_prefix("| `")?.split('|').map(|cell| cell.replace('`', ""));
        let mut next = || cells.next().map(|cell| cell.trim().to_owned());
        let (prometheus, name, kind, labels) = (next()?, next()?, next()?, next()?);
        let labels = labels.split(", ").filter(|label| !label.is_empty());
        Some((prometheus, name, kind, labels.map(str::to_owned).collect()))
    }

    #[test]
    fn the_document_has_these_metrics_and_no_others() {
        let documented: Vec<_> = DOCUMENT.lines().filter_map(cells).collect();
        let here: Vec<_> = ALL
            .iter()
            .map(|row| {
                let labels = row.labels.iter().map(ToString::to_string).collect();
                (row.prometheus.to_owned(), row.name.to_owned(), row.kind.name().to_owned(), labels)
            })
            .collect();
        assert_eq!(documented, here);
    }
}
