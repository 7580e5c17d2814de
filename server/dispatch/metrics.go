package dispatch

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
	batches  prometheus.Histogram
	stale    *prometheus.CounterVec
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
		batches: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "campaign_batch_duration_seconds", Help: "From taking a batch's slots to its recorded results.", Buckets: prometheus.ExponentialBuckets(0.005, 2, 13),
		}),
		stale: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "campaign_stale_results_total", Help: "Results that came after another worker had claimed the message; with status accepted it may have gone out twice.",
		}, []string{"status"}),
	}
}

func (m *metrics) register(r prometheus.Registerer, d *Dispatcher) {
	r.MustRegister(m.calls, m.outcomes, m.batches, m.stale,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "twilio_concurrency_limit", Help: "Calls at once that this process allows itself now."}, func() float64 {
			limit, _ := d.limiter.load()
			return limit
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "twilio_calls_in_flight", Help: "Calls to Twilio under way in this process."}, func() float64 {
			_, n := d.limiter.load()
			return float64(n)
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "twilio_brake_seconds", Help: "How long this process still holds back because Twilio asked for it."}, func() float64 {
			return max(d.brake.wait().Seconds(), 0)
		}))
}

func (m *metrics) call(took time.Duration, outcome string) {
	m.calls.WithLabelValues(outcome).Observe(took.Seconds())
}

func (m *metrics) batch(b *batch, results []message.Result) {
	m.batches.Observe(time.Since(b.began).Seconds())
	for _, r := range results {
		reason := string(r.Skip)
		switch {
		case r.Status == message.StatusPending:
			reason = r.Reason
		case r.Code != 0:
			reason = strconv.Itoa(r.Code)
		}
		m.outcomes.WithLabelValues(string(r.Status), reason).Inc()
	}
}
