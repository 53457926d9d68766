package dev.lockstep.checkpoint.hub;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Optional;

/** The hub has no time now: an answer that may be another one later. */
final class BusyException extends IOException {
    private static final long serialVersionUID = 1;

    private final transient Optional<Duration> pause;

    BusyException(HttpResponse<?> answer) {
        super(answer.statusCode() == 429
                ? "it asks for fewer requests (429)"
                : "it answers " + answer.statusCode());
        this.pause = answer.headers().firstValue("retry-after").filter(text -> text.matches("\\d{1,9}"))
                .map(text -> Duration.ofSeconds(Long.parseLong(text)));
    }

    /** How long it asks to be left alone, if it says so. */
    Optional<Duration> pause() {
        return pause;
    }
}
