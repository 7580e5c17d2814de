package app

import (
	"log/slog"

	"eventstream/server/bucket"
	"eventstream/server/config"
	"eventstream/server/db"
	"eventstream/server/media"
)

// NewMedia makes the media library of a database, with the bucket that its files may lie in. For the engine and the command line.
func NewMedia(cfg config.Config, d *db.DB, log *slog.Logger) (*media.Service, error) {
	o := media.Options{DB: d, ToBucket: cfg.Media.ToBucket(), Log: log}
	if cfg.Media.Bucket != "" {
		endpoint, err := cfg.Media.EndpointURL()
		if err != nil {
			return nil, err
		}
		o.Bucket = bucket.Bucket{
			Endpoint: endpoint, Region: cfg.Media.Region, Bucket: cfg.Media.Bucket, Prefix: cfg.Media.ObjectPrefix(),
			AccessKey: cfg.Media.AccessKeyID, SecretKey: string(cfg.Media.SecretKey), Client: bucket.Client(),
		}
	}
	return media.NewService(o), nil
}
