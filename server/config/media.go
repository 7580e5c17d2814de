package config

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"
)

// Places of the library's files.
const (
	MediaInPostgres = "postgres"
	MediaInBucket   = "bucket"
)

// Media says where the files of the media library lie. Without a bucket they lie in Postgres.
type Media struct {
	// Store is where new files go, and where `media move` brings all; unset: the bucket where there is one.
	Store       string `env:"MEDIA_STORE"`
	Bucket      string `env:"MEDIA_S3_BUCKET"`
	Prefix      string `env:"MEDIA_S3_PREFIX"`   // of the objects' names
	Endpoint    string `env:"MEDIA_S3_ENDPOINT"` // unset: AWS in the region
	Region      string `env:"MEDIA_S3_REGION" envDefault:"us-east-1"`
	AccessKeyID string `env:"MEDIA_S3_ACCESS_KEY_ID"`
	SecretKey   Secret `env:"MEDIA_S3_SECRET_ACCESS_KEY"`
}

// ToBucket reports whether new files go into the bucket.
func (m Media) ToBucket() bool { return m.Bucket != "" && m.Store != MediaInPostgres }

// EndpointURL is where the bucket is.
func (m Media) EndpointURL() (*url.URL, error) {
	return s3Endpoint("MEDIA_S3_ENDPOINT", m.Endpoint, m.Region)
}

// ObjectPrefix is "", or ends with a slash.
func (m Media) ObjectPrefix() string {
	prefix := strings.Trim(m.Prefix, "/")
	if prefix != "" {
		prefix += "/"
	}
	return prefix
}

var (
	bucketName   = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	bucketPrefix = regexp.MustCompile(`^[A-Za-z0-9/_.-]{0,200}$`)
)

func (m Media) validate() (errs []error) {
	if m.Bucket == "" {
		for name, set := range map[string]bool{
			"MEDIA_S3_PREFIX": m.Prefix != "", "MEDIA_S3_ENDPOINT": m.Endpoint != "", "MEDIA_S3_ACCESS_KEY_ID": m.AccessKeyID != "",
			"MEDIA_S3_SECRET_ACCESS_KEY": m.SecretKey != "", "MEDIA_STORE=" + MediaInBucket: m.Store == MediaInBucket,
		} {
			if set {
				errs = append(errs, fmt.Errorf("%s is set but MEDIA_S3_BUCKET is not", name))
			}
		}
	}
	if m.Store != "" && m.Store != MediaInPostgres && m.Store != MediaInBucket {
		errs = append(errs, fmt.Errorf("MEDIA_STORE=%q: want %s or %s", m.Store, MediaInPostgres, MediaInBucket))
	}
	if m.Bucket == "" {
		return errs
	}
	if !bucketName.MatchString(m.Bucket) {
		errs = append(errs, fmt.Errorf("MEDIA_S3_BUCKET=%q: want the name of a bucket: 3 to 63 lower-case letters, digits, hyphens and dots", m.Bucket))
	}
	if !bucketPrefix.MatchString(m.Prefix) {
		errs = append(errs, fmt.Errorf("MEDIA_S3_PREFIX=%q: want up to 200 letters, digits and / _ . -", m.Prefix))
	}
	if m.AccessKeyID == "" || m.SecretKey == "" {
		errs = append(errs, errors.New("MEDIA_S3_ACCESS_KEY_ID and MEDIA_S3_SECRET_ACCESS_KEY: set both for MEDIA_S3_BUCKET"))
	}
	_, err := m.EndpointURL()
	return append(errs, err)
}
