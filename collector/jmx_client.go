package collector

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"

	commonconfig "github.com/prometheus/common/config"

	"github.com/kafka-prober/kafka_prober/internal/kind"
	"github.com/kafka-prober/kafka_prober/internal/security"
)

// JMXClient is how the pages are asked for: the keys of Prometheus' own scrape configuration. Files are
// read again when they change.
type JMXClient struct {
	BasicAuth       *JMXBasicAuth     `yaml:"basic_auth"`
	Authorization   *JMXAuthorization `yaml:"authorization"`
	TLS             *security.TLS     `yaml:"tls_config"`
	ProxyURL        string            `yaml:"proxy_url" help:"HTTP proxy; none if left out, whatever the environment says"`
	FollowRedirects bool              `yaml:"follow_redirects" help:"go where the page says that it is"`
}

// JMXBasicAuth is Prometheus' basic_auth.
type JMXBasicAuth struct {
	Username     string      `yaml:"username" required:"true" help:"user"`
	Password     kind.Secret `yaml:"password" help:"password"`
	PasswordFile string      `yaml:"password_file" help:"file that holds the password"`
}

// JMXAuthorization is Prometheus' authorization.
type JMXAuthorization struct {
	Type            string      `yaml:"type" default:"Bearer" help:"scheme of the header Authorization"`
	Credentials     kind.Secret `yaml:"credentials" help:"token"`
	CredentialsFile string      `yaml:"credentials_file" help:"file that holds the token"`
}

func defaultJMXClient() JMXClient { return JMXClient{FollowRedirects: true} }

// Validate reports what is wrong with the settings, without looking at files.
func (c *JMXClient) Validate() error {
	var errs []error
	if b := c.BasicAuth; b != nil && (b.Password == "") == (b.PasswordFile == "") {
		errs = append(errs, kind.Errorf("basic_auth", "give one of password and password_file"))
	}
	if a := c.Authorization; a != nil {
		if (a.Credentials == "") == (a.CredentialsFile == "") {
			errs = append(errs, kind.Errorf("authorization", "give one of credentials and credentials_file"))
		}
		if c.BasicAuth != nil {
			errs = append(errs, kind.Errorf("authorization", "a page takes one of basic_auth and authorization"))
		}
	}
	if c.TLS != nil {
		errs = append(errs, kind.Nest("tls_config", c.TLS.Validate()))
	}
	if c.ProxyURL != "" {
		if _, err := c.proxy(); err != nil {
			errs = append(errs, kind.Errorf("proxy_url", "%v", err))
		}
	}
	return errors.Join(errs...)
}

// proxy returns the proxy's URL. Its errors quote nothing of what may hold a password.
func (c *JMXClient) proxy() (*url.URL, error) {
	u, err := url.Parse(c.ProxyURL)
	switch {
	case err != nil || u.Host == "":
		return nil, errors.New("is not the URL of a proxy, write for example http://proxy:3128")
	case u.User != nil:
		return nil, errors.New("must not hold a user or a password, which /config would show: take a proxy that lets this host in without, or a local one that adds them")
	}
	return u, nil
}

// client returns the HTTP client. It reads the files of tls_config, and fails if it can't. dial is nil for
// the usual network.
func (c *JMXClient) client(dial commonconfig.DialContextFunc) (*http.Client, error) {
	config := commonconfig.DefaultHTTPClientConfig
	config.FollowRedirects = c.FollowRedirects
	if b := c.BasicAuth; b != nil {
		config.BasicAuth = &commonconfig.BasicAuth{Username: b.Username, Password: commonconfig.Secret(b.Password), PasswordFile: b.PasswordFile}
	}
	if a := c.Authorization; a != nil {
		config.Authorization = &commonconfig.Authorization{
			Type: cmp.Or(a.Type, "Bearer"), Credentials: commonconfig.Secret(a.Credentials), CredentialsFile: a.CredentialsFile,
		}
	}
	if t := c.TLS; t != nil {
		config.TLSConfig = commonconfig.TLSConfig{
			CAFile: t.CAFile, CertFile: t.CertFile, KeyFile: t.KeyFile, ServerName: t.ServerName,
			CA: t.CA, Cert: t.Cert, Key: commonconfig.Secret(t.Key),
			InsecureSkipVerify: t.InsecureSkipVerify, MinVersion: commonconfig.TLSVersion(t.Version()),
		}
	}
	if c.ProxyURL != "" {
		proxy, err := c.proxy()
		if err != nil {
			return nil, err
		}
		config.ProxyURL = commonconfig.URL{URL: proxy}
	}
	return commonconfig.NewClientFromConfig(config, "jmx", commonconfig.WithDialContextFunc(dial))
}
