package app

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"eventstream/server/db"
	"eventstream/server/health"
	"eventstream/server/jobs"
	"eventstream/server/say"

	"github.com/prometheus/client_golang/prometheus"
)

// collector tells Prometheus what Postgres knows of the whole engine. It asks
// at most every few seconds, however often it is scraped.
type collector struct {
	source *health.Service
	db     *db.DB
	log    *slog.Logger

	mu     sync.Mutex
	read   time.Time
	health *health.Health
	totals *health.Totals
}

const collectEvery = 5 * time.Second

var (
	workersDesc = prometheus.NewDesc("eventstream_workers", "Worker processes that live.", nil, nil)
	webhookDesc = prometheus.NewDesc("eventstream_webhook_lag_seconds",
		"Age of the oldest webhook event that is not applied yet.", nil, nil)
	dispatchDesc = prometheus.NewDesc("eventstream_dispatch_lag_seconds",
		"How long ago a campaign that has messages due was last served.", nil, nil)
	jobsDesc      = prometheus.NewDesc("eventstream_jobs", "Jobs by queue and state.", []string{"queue", "state"}, nil)
	messagesDesc  = prometheus.NewDesc("eventstream_messages", "Messages by where they stand.", []string{"status"}, nil)
	campaignsDesc = prometheus.NewDesc("eventstream_campaigns", "Campaigns by status.", []string{"status"}, nil)
	takenDesc     = prometheus.NewDesc("eventstream_postgres_connections",
		"Connections to Postgres in use, by whom they are for.", []string{"pool"}, nil)
	waitsDesc = prometheus.NewDesc("eventstream_postgres_waits_total",
		"How often a connection was waited for, by whom it was for.", []string{"pool"}, nil)
	sendersDesc = prometheus.NewDesc("eventstream_senders", "Senders by status.", []string{"status"}, nil)
)

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		workersDesc, webhookDesc, dispatchDesc, jobsDesc, messagesDesc, campaignsDesc,
		sendersDesc, takenDesc, waitsDesc,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector. What Postgres does not answer is left out.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	for name, s := range c.db.Stats() {
		ch <- prometheus.MustNewConstMetric(takenDesc, prometheus.GaugeValue, float64(s.AcquiredConns()), name.String())
		ch <- prometheus.MustNewConstMetric(waitsDesc, prometheus.CounterValue, float64(s.EmptyAcquireCount()),
			name.String())
	}
	seen, totals := c.look()
	if seen == nil || totals == nil {
		return
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(workersDesc, float64(seen.Workers))
	gauge(webhookDesc, seen.WebhookLagSeconds)
	gauge(dispatchDesc, seen.DispatchLagSeconds)
	byName := map[string]health.Queue{}
	for _, q := range seen.Queues {
		byName[q.Name] = q
	}
	for _, name := range jobs.Queues { // an empty queue is 0, not missing
		q := byName[name]
		gauge(jobsDesc, float64(q.Available), name, "available")
		gauge(jobsDesc, float64(q.Running), name, "running")
		gauge(jobsDesc, float64(q.Failed), name, "discarded")
	}
	for d, counts := range map[*prometheus.Desc]map[string]int64{
		messagesDesc:  totals.Messages,
		campaignsDesc: totals.Campaigns, sendersDesc: totals.Senders,
	} {
		for status, n := range counts {
			gauge(d, float64(n), status)
		}
	}
}

func (c *collector) look() (*health.Health, *health.Totals) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.read) < collectEvery {
		return c.health, c.totals
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	seen, err := c.source.Look(ctx, say.Text{})
	if err == nil {
		c.totals, err = c.source.Totals(ctx)
	}
	if err != nil {
		c.log.Warn("metrics not read from Postgres", "error", err)
		seen = nil
	}
	c.read, c.health = time.Now(), seen
	return c.health, c.totals
}
