// Package forward writes log entries in the words of other stores: VictoriaLogs, Loki
// and receivers of OTLP. It owns the mapping of fields; it does not send.
package forward
