package campaign

import (
	"strconv"
	"time"

	"eventstream/server/message"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics are what this process does; sums over all processes are Prometheus'.
type metrics struct {
	calls    *prometheus.HistogramVec
	outcomes *prometheus.CounterVec
	slices   prometheus.Histogram
	prepared prometheus.Counter
	adopted  *prometheus.CounterVec
}

func newMetrics() *metrics {
	return &metrics{
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "twilio_call_duration_seconds", Help: "Time that Twilio took to answer a message create, by what came of it.",
			Buckets: prometheus.ExponentialBuckets(0.002, 2, 13),
		}, []string{"outcome"}),
		outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "campaign_messages_total", Help: "Claimed messages by what was decided: accepted, skipped with its reason, deferred with its reason, failed with its code, unknown.",
		}, []string{"status", "reason"}),
		slices: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "campaign_slice_duration_seconds", Help: "From taking a slice's slots to its recorded results.", Buckets: prometheus.ExponentialBuckets(0.005, 2, 13),
		}),
		prepared: prometheus.NewCounter(prometheus.CounterOpts{Name: "campaign_prepared_recipients_total", Help: "Members of audiences written as messages."}),
		adopted:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "campaign_reconciled_messages_total", Help: "Calls without answer that were cleared up, by outcome."}, []string{"outcome"}),
	}
}

func (m *metrics) register(r prometheus.Registerer, e *Engine) {
	r.MustRegister(m.calls, m.outcomes, m.slices, m.prepared, m.adopted,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "twilio_concurrency_limit", Help: "Calls at once that this process allows itself now."}, func() float64 {
			limit, _ := e.calls.load()
			return limit
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "twilio_calls_in_flight", Help: "Calls to Twilio under way in this process."}, func() float64 {
			_, n := e.calls.load()
			return float64(n)
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "twilio_brake_seconds", Help: "How long this process still holds back because Twilio asked for it."}, func() float64 {
			return max(e.brake.wait().Seconds(), 0)
		}))
}

func (m *metrics) call(took time.Duration, outcome string) {
	m.calls.WithLabelValues(outcome).Observe(took.Seconds())
}

func (m *metrics) slice(s *slice, results []result) {
	m.slices.Observe(time.Since(s.taken).Seconds())
	for _, r := range results {
		reason := string(r.skip)
		switch {
		case r.status == message.StatusPending:
			reason = r.why
		case r.code != 0:
			reason = strconv.Itoa(r.code)
		}
		m.outcomes.WithLabelValues(string(r.status), reason).Inc()
	}
}
