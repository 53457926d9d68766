package dev.lockstep.checkpoint.hub;

import java.io.IOException;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

import dev.lockstep.host.FileName;
import dev.lockstep.host.UsageException;

/**
 * What environment variables say about the hub, read as huggingface_hub reads them.
 *
 * @param cache    the directory of all models
 * @param endpoint the hub's address, without a slash at its end
 * @param token    proves who asks; never to be shown
 * @param offline  the variable that forbids to ask the hub
 * @param proxies  how to reach it
 */
record HubEnvironment(Path cache, URI endpoint, Optional<Token> token, Optional<String> offline, Proxies proxies) {
    private static final String ENDPOINT = "https://huggingface.co";

    /**
     * A token and where it was found, which alone is for sentences.
     *
     * @param source a variable or a file
     */
    record Token(String value, String source) {
        /** Without the token, so that no log can have it. */
        @Override
        public String toString() {
            return "the token from " + source;
        }
    }

    /**
     * @param variables as {@link System#getenv()} has them
     * @throws UsageException when one has a value that cannot be used
     */
    static HubEnvironment of(Map<String, String> variables) {
        return new HubEnvironment(cache(variables), endpoint(variables), token(variables), offline(variables),
                Proxies.of(variables));
    }

    private static Path cache(Map<String, String> variables) {
        return path(variables, "HF_HUB_CACHE").or(() -> path(variables, "HUGGINGFACE_HUB_CACHE"))
                .orElseGet(() -> home(variables).resolve("hub"));
    }

    private static Path home(Map<String, String> variables) {
        return path(variables, "HF_HOME")
                .or(() -> path(variables, "XDG_CACHE_HOME").map(path -> path.resolve("huggingface")))
                .orElseGet(() -> user(variables).resolve(".cache/huggingface"));
    }

    private static Path user(Map<String, String> variables) {
        return Path.of(value(variables, "HOME").orElse(System.getProperty("user.home")));
    }

    private static Optional<Path> path(Map<String, String> variables, String name) {
        return value(variables, name)
                .map(text -> text.equals("~") || text.startsWith("~/") ? user(variables) + text.substring(1) : text)
                .map(text -> FileName.of(name, text).toAbsolutePath().normalize());
    }

    private static URI endpoint(Map<String, String> variables) {
        String text = value(variables, "HF_ENDPOINT").orElse(ENDPOINT).strip().replaceFirst("/+$", "");
        try {
            URI endpoint = new URI(text);
            if (endpoint.getHost() != null && List.of("http", "https").contains(endpoint.getScheme())
                    && endpoint.getRawUserInfo() == null && endpoint.getRawQuery() == null) {
                return endpoint;
            }
        } catch (URISyntaxException e) {
            // the sentence below says it
        }
        throw new UsageException("HF_ENDPOINT must be the address of a hub, as in HF_ENDPOINT=" + ENDPOINT
                + ", and has no user or password in it");
    }

    private static Optional<Token> token(Map<String, String> variables) {
        Optional<Token> given = Stream.of("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")
                .flatMap(name -> value(variables, name).flatMap(text -> clean(text, name)).stream()).findFirst();
        if (given.isPresent()) {
            return given;
        }
        Path file = path(variables, "HF_TOKEN_PATH").orElseGet(() -> home(variables).resolve("token"));
        try {
            return Files.isRegularFile(file) ? clean(Files.readString(file), file.toString()) : Optional.empty();
        } catch (IOException e) {
            throw new UsageException(
                    "the token in " + file + " cannot be read: make the file readable, or set HF_TOKEN",
                    e);
        }
    }

    private static Optional<Token> clean(String text, String source) {
        String token = text.replace("\r", "").replace("\n", "").strip();
        if (token.isEmpty()) {
            return Optional.empty();
        }
        if (!token.chars().allMatch(c -> c > ' ' && c < 0x7f)) {
            throw new UsageException("the token in " + source + " has characters that no token has: write it again");
        }
        return Optional.of(new Token(token, source));
    }

    private static Optional<String> offline(Map<String, String> variables) {
        return Stream.of("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE").filter(name -> value(variables, name).isPresent())
                .findFirst().filter(name -> value(variables, name).orElse("").matches("(?i)1|on|yes|true"));
    }

    private static Optional<String> value(Map<String, String> variables, String name) {
        return Optional.ofNullable(variables.get(name)).filter(text -> !text.isEmpty());
    }
}
