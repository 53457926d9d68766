package dev.lockstep.checkpoint.hub;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;

import com.fasterxml.jackson.databind.JsonNode;
import org.jspecify.annotations.Nullable;

import dev.lockstep.host.UsageException;
import dev.lockstep.json.Json;

/**
 * Asks the hub. Redirects are followed here rather than by Java's client, because the token is for the hub alone: files
 * come from other hosts, by addresses that are signed.
 */
final class HubClient {
    private static final Duration CONNECT = Duration.ofSeconds(10);
    private static final Duration ANSWER = Duration.ofSeconds(30);
    private static final int MOST_REDIRECTS = 10;
    private static final Set<Integer> REDIRECTS = Set.of(301, 302, 303, 307, 308);
    private static final int LONGEST_LISTING = 64 << 20;
    /** As long as safetensors itself takes them. */
    private static final int LONGEST_HEADER = 100_000_000;
    private static final String NO_TUNNEL = "jdk.http.auth.tunneling.disabledSchemes";

    /**
     * An answer and the headers of those that redirected to it.
     *
     * @param at where it came from
     */
    record Reply(URI at, HttpResponse<InputStream> last, List<HttpHeaders> passed) implements AutoCloseable {
        int status() {
            return last.statusCode();
        }

        /** The header's value in the first answer that has it. */
        Optional<String> first(String name) {
            return passed.stream().flatMap(headers -> headers.firstValue(name).stream()).findFirst();
        }

        @Override
        public void close() throws IOException {
            last.body().close();
        }
    }

    /**
     * What a commit holds.
     *
     * @param files their names, with slashes where they are in directories
     */
    record Listing(String commit, Set<String> files) {}

    /**
     * One file of a commit.
     *
     * @param etag the name of its content: SHA-256 or git's SHA-1, in hexadecimal digits, as a rule
     * @param size in bytes, where the hub says so
     */
    record RemoteFile(String name, URI address, String etag, OptionalLong size) {}

    private @Nullable HttpClient http; // null until something is asked, which a model that is here never needs
    private final HubEnvironment environment;
    private final Duration firstPause;

    /**
     * @param firstPause before something is tried again; each further pause is twice as long
     */
    HubClient(HubEnvironment environment, Duration firstPause) {
        this.environment = environment;
        this.firstPause = firstPause;
        if (System.getProperty(NO_TUNNEL) == null) {
            // else a proxy's password would be withheld from it
            System.setProperty(NO_TUNNEL, "");
        }
    }

    private synchronized HttpClient http() {
        if (http == null) {
            http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).connectTimeout(CONNECT)
                    .followRedirects(HttpClient.Redirect.NEVER).proxy(environment.proxies()).build();
        }
        return http;
    }

    /** For one thing that may be tried several times. */
    Pauses pauses(ModelName name) {
        return new Pauses(firstPause, name + " cannot be fetched from " + environment.endpoint());
    }

    /**
     * The files of a revision.
     *
     * @throws UsageException when there is none, or none for this user
     * @throws IOException    when the hub cannot be reached
     */
    Listing list(ModelName name) throws IOException {
        URI address = address("/api/models/" + name.id() + "/revision/" + name.revision().replace("/", "%2F"));
        Pauses pauses = pauses(name);
        while (true) {
            try (Reply reply = send("GET", address, Map.of(), false)) {
                if (reply.status() != 200) {
                    throw HubFault.of(name, environment, reply);
                }
                return listing(name, reply.last().body().readNBytes(LONGEST_LISTING));
            } catch (BusyException e) {
                pauses.next(e);
            }
        }
    }

    private Listing listing(ModelName name, byte[] json) {
        List<String> files = new ArrayList<>();
        String commit;
        try {
            JsonNode answer = Json.MAPPER.readTree(json);
            commit = answer.path("sha").asText();
            answer.path("siblings").forEach(file -> files.add(file.path("rfilename").asText()));
        } catch (IOException e) {
            commit = "";
        }
        if (!ModelName.isCommit(commit) || files.isEmpty()) {
            throw new UsageException(
                    environment.endpoint() + " does not answer as a Hugging Face hub does when asked for "
                            + name + ": check HF_ENDPOINT and the proxy");
        }
        return new Listing(commit, Set.copyOf(files));
    }

    /** What there is to know of a file before it is fetched. */
    RemoteFile find(ModelName name, String commit, String file) throws IOException {
        URI address = address("/" + name.id() + "/resolve/" + commit + "/" + file);
        Pauses pauses = pauses(name);
        while (true) {
            try (Reply reply = send("HEAD", address, Map.of(), false)) {
                if (reply.status() != 200 && !REDIRECTS.contains(reply.status())) {
                    throw HubFault.of(name, environment, reply);
                }
                String etag = reply.first("x-linked-etag").or(() -> reply.last().headers().firstValue("etag"))
                        .map(text -> text.replaceFirst("^W/", "").replace("\"", "")).orElse("");
                if (!etag.matches("[0-9A-Za-z][0-9A-Za-z_-]{0,127}")) {
                    throw new UsageException(environment.endpoint() + " does not say what " + file + " of " + name
                            + " holds (it sends no ETag): check HF_ENDPOINT and the proxy");
                }
                OptionalLong size = reply.last().headers().firstValueAsLong("content-length");
                Optional<String> linked = reply.first("x-linked-size").filter(text -> text.matches("\\d{1,18}"));
                return new RemoteFile(file, address, etag, linked.isPresent()
                        ? OptionalLong.of(Long.parseLong(linked.get()))
                        : reply.status() == 200 ? size : OptionalLong.empty());
            } catch (IOException e) {
                pauses.next(e);
            }
        }
    }

    /**
     * A file from some byte on; what is to be read of it must be closed.
     *
     * @param validator the ETag of an answer that broke off, to have no part of another file; empty for none
     */
    Reply open(ModelName name, URI address, long from, String validator) throws IOException {
        Map<String, String> headers = from == 0
                ? Map.of()
                : validator.isEmpty()
                        ? Map.of("Range", "bytes=" + from + "-")
                        : Map.of("Range", "bytes=" + from + "-", "If-Range", validator);
        Reply reply = send("GET", address, headers, true);
        if (reply.status() == 200 || from > 0 && (reply.status() == 206 || reply.status() == 416)) {
            return reply;
        }
        try (reply) {
            throw HubFault.of(name, environment, reply);
        }
    }

    /**
     * The header of a safetensors file with the eight bytes before it; only these where the header is longer than any is.
     */
    byte[] header(ModelName name, RemoteFile file) throws IOException {
        Pauses pauses = pauses(name);
        while (true) {
            try (Reply reply = open(name, file.address(), 0, "")) {
                InputStream body = reply.last().body();
                byte[] head = body.readNBytes(Long.BYTES);
                long length = head.length < Long.BYTES
                        ? 0
                        : ByteBuffer.wrap(head).order(ByteOrder.LITTLE_ENDIAN).getLong();
                if (length < 0 || length > LONGEST_HEADER) {
                    return head;
                }
                byte[] all = Arrays.copyOf(head, (int) (head.length + length));
                if (body.readNBytes(all, head.length, (int) length) == length) {
                    return all;
                }
                throw new IOException("the connection broke off");
            } catch (IOException e) {
                pauses.next(e);
            }
        }
    }

    private URI address(String path) {
        return URI.create(environment.endpoint() + path);
    }

    /**
     * @param elsewhere whether to follow a redirect to another host too
     * @throws BusyException when it may be tried again
     */
    private Reply send(String method, URI first, Map<String, String> headers, boolean elsewhere) throws IOException {
        URI at = first;
        List<HttpHeaders> passed = new ArrayList<>();
        while (true) {
            HttpResponse<InputStream> answer = exchange(request(method, at, headers));
            passed.add(answer.headers());
            Reply reply = new Reply(at, answer, List.copyOf(passed));
            if (answer.statusCode() == 429 || answer.statusCode() == 408 || answer.statusCode() >= 500) {
                try (reply) {
                    throw new BusyException(answer);
                }
            }
            Optional<String> location = answer.headers().firstValue("location");
            if (!REDIRECTS.contains(answer.statusCode()) || location.isEmpty()) {
                return reply;
            }
            URI next = target(at, location.get());
            if (!elsewhere && !isHub(next)) {
                return reply;
            }
            reply.close();
            if (passed.size() > MOST_REDIRECTS) {
                throw new IOException("it redirects more than " + MOST_REDIRECTS + " times");
            }
            at = next;
        }
    }

    private static URI target(URI from, String location) throws IOException {
        try {
            URI next = from.resolve(location);
            if (next.getHost() != null && List.of("http", "https").contains(next.getScheme())) {
                return next;
            }
        } catch (IllegalArgumentException e) {
            // it may hold a signature, so it is not quoted
        }
        throw new IOException("it redirects to what is no address");
    }

    private HttpRequest request(String method, URI at, Map<String, String> headers) {
        HttpRequest.Builder request = HttpRequest.newBuilder(at).timeout(ANSWER)
                .method(method, HttpRequest.BodyPublishers.noBody()).setHeader("User-Agent", "lockstep; java")
                .setHeader("Accept-Encoding", "identity");
        headers.forEach(request::setHeader);
        if (isHub(at)) {
            environment.token().ifPresent(token -> request.setHeader("Authorization", "Bearer " + token.value()));
        }
        environment.proxies().to(at).flatMap(Proxies::credentials)
                .ifPresent(user -> request.setHeader("Proxy-Authorization", "Basic "
                        + Base64.getEncoder().encodeToString(user.getBytes(StandardCharsets.UTF_8))));
        return request.build();
    }

    private HttpResponse<InputStream> exchange(HttpRequest request) throws IOException {
        try {
            return http().send(request, HttpResponse.BodyHandlers.ofInputStream());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UsageException("interrupted while " + environment.endpoint() + " was asked", e);
        }
    }

    /** Whether an address is the hub's own, to which alone the token may go. */
    private boolean isHub(URI address) {
        return origin(address).equals(origin(environment.endpoint()));
    }

    private static String origin(URI address) {
        int port = address.getPort() >= 0 ? address.getPort() : "https".equals(address.getScheme()) ? 443 : 80;
        return address.getScheme() + "://" + String.valueOf(address.getHost()).toLowerCase(Locale.ROOT) + ":" + port;
    }
}
