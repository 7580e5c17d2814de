package config

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
)

// Checkpoints says where signed checkpoints of the audit trail go, beside the log.
type Checkpoints struct {
	Dir         string `env:"AUDIT_CHECKPOINT_DIR"`  // unset: DataDir/checkpoints beside a private Postgres; "off": none
	URLs        Secret `env:"AUDIT_CHECKPOINT_URLS"` // http, https and s3 URLs, separated by commas; may hold passwords
	S3Endpoint  string `env:"AUDIT_S3_ENDPOINT"`     // unset: AWS in the region
	S3Region    string `env:"AUDIT_S3_REGION" envDefault:"us-east-1"`
	S3AccessKey string `env:"AUDIT_S3_ACCESS_KEY_ID"`
	S3SecretKey Secret `env:"AUDIT_S3_SECRET_ACCESS_KEY"`
}

// CheckpointDir is where checkpoints are kept as files; "" when they are not.
func (c Config) CheckpointDir() string {
	switch {
	case c.Checkpoints.Dir == "off", c.Checkpoints.Dir == "" && c.DatabaseURL != "":
		return ""
	case c.Checkpoints.Dir != "":
		return c.Checkpoints.Dir
	}
	return filepath.Join(c.DataDir, "checkpoints")
}

// Places are the URLs that checkpoints go to.
func (c Checkpoints) Places() (places []*url.URL, err error) {
	var errs []error
	for i, raw := range strings.Split(string(c.URLs), ",") {
		if raw = strings.TrimSpace(raw); raw == "" {
			continue
		}
		u, err := url.Parse(raw)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "s3" {
			errs = append(errs, fmt.Errorf("AUDIT_CHECKPOINT_URLS, number %d: want http://…, https://… or s3://bucket/prefix", i+1))
			continue
		}
		places = append(places, u)
	}
	return places, errors.Join(errs...)
}

// Endpoint is where buckets are.
func (c Checkpoints) Endpoint() (*url.URL, error) {
	return s3Endpoint("AUDIT_S3_ENDPOINT", c.S3Endpoint, c.S3Region)
}

// s3Endpoint is what a variable names, or AWS in the region.
func s3Endpoint(name, raw, region string) (*url.URL, error) {
	u, err := url.Parse(cmp.Or(raw, "https://s3."+region+".amazonaws.com"))
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.RawQuery != "" {
		return nil, fmt.Errorf("%s: want an http or https URL without user and query, such as https://minio.example:9000", name)
	}
	return u, nil
}

func (c Checkpoints) validate() []error {
	places, err := c.Places()
	errs := []error{err}
	for _, u := range places {
		if u.Scheme == "s3" && (c.S3AccessKey == "" || c.S3SecretKey == "") {
			errs = append(errs, errors.New("AUDIT_S3_ACCESS_KEY_ID and AUDIT_S3_SECRET_ACCESS_KEY: set both for an s3 URL in AUDIT_CHECKPOINT_URLS"))
			break
		}
	}
	_, err = c.Endpoint()
	return append(errs, err)
}
