package properties

import (
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/kafka-prober/kafka_prober/internal/kind"
	"github.com/kafka-prober/kafka_prober/internal/security"
)

const (
	jaas     = "sasl.jaas.config"
	tokenURL = "sasl.oauthbearer.token.endpoint.url"
)

// modules are the login modules by mechanism, without their packages: those may be shaded.
var modules = map[string]string{
	security.Plain:       "PlainLoginModule",
	security.ScramSHA256: "ScramLoginModule",
	security.ScramSHA512: "ScramLoginModule",
	security.OAuthBearer: "OAuthBearerLoginModule",
	security.MSKIAM:      "IAMLoginModule",
}

// callbacks are classes that a Java client runs to get its credentials, and that do what this program does
// by itself.
var callbacks = []string{"OAuthBearerLoginCallbackHandler", "IAMClientCallbackHandler",
	"DefaultJwtRetriever", "ClientCredentialsJwtRetriever", "FileJwtRetriever"}

// sasl reads the keys that begin with sasl.
func (r *reader) sasl() *security.SASL {
	s := &security.SASL{Mechanism: r.get("sasl.mechanism")}
	module, known := modules[s.Mechanism]
	switch {
	case s.Mechanism == "" || s.Mechanism == "GSSAPI":
		r.fail("sasl.mechanism", "must be %s: Kafka's default, GSSAPI (Kerberos), is not known here yet", strings.Join(slices.Sorted(maps.Keys(modules)), ", "))
		return nil
	case !known:
		r.fail("sasl.mechanism", "must be %s, is %q", strings.Join(slices.Sorted(maps.Keys(modules)), ", "), s.Mechanism)
		return nil
	}
	for _, key := range []string{"sasl.login.callback.handler.class", "sasl.client.callback.handler.class", "sasl.login.class", "sasl.oauthbearer.jwt.retriever.class"} {
		if class := r.get(key); class != "" && !slices.Contains(callbacks, class[strings.LastIndexByte(class, '.')+1:]) {
			r.fail(key, "%s can't be run here: leave it out, or write the way in into a configuration file of kafka_prober", class)
		}
	}
	l, ok := r.login(s.Mechanism, module)
	if !ok {
		return nil
	}
	switch s.Mechanism {
	case security.OAuthBearer:
		r.oauth(s, l)
	case security.MSKIAM:
		r.options(l) // the access key comes from the environment
	default:
		r.options(l, "username", "password")
		s.Username, s.Password = l.options["username"], kind.Secret(l.options["password"])
		for _, name := range []string{"username", "password"} {
			if l.options[name] == "" {
				r.fail(jaas, "%s has no %s", l.module, name)
			}
		}
	}
	return s
}

// login reads sasl.jaas.config, which must be for the mechanism.
func (r *reader) login(mechanism, module string) (login, bool) {
	text := r.get(jaas)
	if text == "" && (mechanism == security.OAuthBearer || mechanism == security.MSKIAM) {
		return login{module: module}, true // there is not much that it could say
	}
	if text == "" {
		r.fail(jaas, "required key is missing: write for example %s=org.apache.kafka...%s required username=\"me\" password=\"secret\"; (a file of java.security.auth.login.config is not read)", jaas, module)
		return login{}, false
	}
	l, err := parseJAAS(text)
	switch {
	case err != nil:
		r.fail(jaas, "%v", err)
		return login{}, false
	case l.module != module:
		r.fail(jaas, "has %s, but sasl.mechanism is %s, which takes %s", l.module, mechanism, module)
		return login{}, false
	}
	return l, true
}

// options notes the options of a login module that are not known. Their values are not quoted.
func (r *reader) options(l login, known ...string) {
	for _, name := range slices.Sorted(maps.Keys(l.options)) {
		if !slices.Contains(known, name) && !strings.HasPrefix(name, "extension_") {
			r.fail(jaas, "the option %s of %s is not known here", name, l.module)
		}
	}
}

// oauth fills in where tokens come from: a file, or an authorization server.
func (r *reader) oauth(s *security.SASL, l login) {
	r.options(l, "clientId", "clientSecret", "scope")
	address := r.get(tokenURL)
	if address == "" {
		r.fail(tokenURL, "required key is missing: give the token endpoint of the authorization server, or file:///path/of/the/token")
		return
	}
	// Since Kafka 4.1 (KIP-1139) these are keys of their own.
	option := func(name, key string) string {
		if value := r.get(key); value != "" {
			return value
		}
		return l.options[name]
	}
	id := option("clientId", "sasl.oauthbearer.client.credentials.client.id")
	secret := option("clientSecret", "sasl.oauthbearer.client.credentials.client.secret")
	scope := option("scope", "sasl.oauthbearer.scope")
	if u, err := url.Parse(address); err == nil && u.Scheme == "file" {
		s.TokenFile = u.Path
		if u.Path == "" {
			r.fail(tokenURL, "names no file, write for example file:///run/secrets/token")
		}
		return
	}
	s.OAuth2 = &security.OAuth2{TokenURL: address, ClientID: id, ClientSecret: kind.Secret(secret), Scopes: strings.Fields(scope)}
	if id == "" {
		r.fail(jaas, "%s has no clientId", l.module)
	}
	if secret == "" {
		r.fail(jaas, "%s has no clientSecret", l.module)
	}
	for name, value := range l.options {
		if name, isExtension := strings.CutPrefix(name, "extension_"); isExtension {
			if s.OAuth2.Extensions == nil {
				s.OAuth2.Extensions = map[string]string{}
			}
			s.OAuth2.Extensions[name] = value
		}
	}
}
