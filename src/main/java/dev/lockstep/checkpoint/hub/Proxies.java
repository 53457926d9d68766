package dev.lockstep.checkpoint.hub;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.SocketAddress;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

import dev.lockstep.host.UsageException;

/**
 * {@code HTTPS_PROXY}, {@code HTTP_PROXY} and {@code NO_PROXY} in either case, as curl and Python read them; Java has
 * properties of its own for these.
 */
final class Proxies extends ProxySelector {
    private static final int PORT = 80;

    private final Optional<URI> http;
    private final Optional<URI> https;
    private final List<String> direct;

    private Proxies(Optional<URI> http, Optional<URI> https, List<String> direct) {
        this.http = http;
        this.https = https;
        this.direct = direct;
    }

    /** @throws UsageException when one names a proxy that cannot be used */
    static Proxies of(Map<String, String> variables) {
        List<String> direct = Arrays
                .stream(either(variables, "NO_PROXY").orElse("").toLowerCase(Locale.ROOT).split("[,\\s]+"))
                .filter(host -> !host.isEmpty()).toList();
        return new Proxies(proxy(variables, "HTTP_PROXY"), proxy(variables, "HTTPS_PROXY"), direct);
    }

    private static Optional<URI> proxy(Map<String, String> variables, String name) {
        return either(variables, name).or(() -> either(variables, "ALL_PROXY")).map(text -> {
            try {
                URI proxy = new URI(text.contains("://") ? text : "http://" + text);
                if (proxy.getHost() != null && "http".equals(proxy.getScheme())) {
                    return proxy;
                }
            } catch (URISyntaxException e) {
                // its message would quote a password
            }
            throw new UsageException(name + " must be the address of an HTTP proxy, as in http://proxy.example:3128");
        });
    }

    private static Optional<String> either(Map<String, String> variables, String name) {
        return Stream.of(name.toLowerCase(Locale.ROOT), name).map(key -> variables.getOrDefault(key, "").strip())
                .filter(value -> !value.isEmpty()).findFirst();
    }

    /** The proxy for an address, if it is not reached directly. */
    Optional<URI> to(URI address) {
        String host = String.valueOf(address.getHost()).toLowerCase(Locale.ROOT);
        boolean excepted = direct.stream().map(each -> each.replaceFirst("^\\*?\\.", ""))
                .anyMatch(each -> each.equals("*") || host.equals(each) || host.endsWith("." + each));
        return excepted ? Optional.empty() : "https".equals(address.getScheme()) ? https : http;
    }

    /** User and password of a proxy, if it has any. */
    static Optional<String> credentials(URI proxy) {
        return Optional.ofNullable(proxy.getRawUserInfo())
                .map(text -> URLDecoder.decode(text.replace("+", "%2B"), StandardCharsets.UTF_8));
    }

    @Override
    public List<Proxy> select(URI address) {
        return List.of(to(address).map(proxy -> new Proxy(Proxy.Type.HTTP,
                InetSocketAddress.createUnresolved(proxy.getHost(), proxy.getPort() < 0 ? PORT : proxy.getPort())))
                .orElse(Proxy.NO_PROXY));
    }

    @Override
    public void connectFailed(URI address, SocketAddress proxy, IOException failure) {
        // whoever asked hears of it
    }
}
