package dev.lockstep.generate;

import java.nio.file.Path;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

import dev.lockstep.tokenizer.Tokenizer;

/** A tokenizer that is being loaded by a thread of its own. */
final class TokenizerLoad {
    private final CompletableFuture<Tokenizer> tokenizer = new CompletableFuture<>();
    private final long begin = System.nanoTime();
    private volatile double seconds;

    TokenizerLoad(Path directory) {
        Thread thread = new Thread(() -> {
            try {
                Tokenizer loaded = Tokenizer.load(directory);
                seconds = (System.nanoTime() - begin) / 1e9;
                tokenizer.complete(loaded);
            } catch (RuntimeException | Error e) {
                tokenizer.completeExceptionally(e);
            }
        }, "tokenizer");
        thread.setDaemon(true);
        thread.start();
    }

    /** Waits for it, and throws what {@link Tokenizer#load} has thrown. */
    Tokenizer await() {
        try {
            return tokenizer.join();
        } catch (CompletionException e) {
            if (e.getCause()instanceof RuntimeException cause) {
                throw cause;
            }
            if (e.getCause()instanceof Error cause) {
                throw cause;
            }
            throw e;
        }
    }

    /** How long it took, once it is there. */
    double seconds() {
        return seconds;
    }
}
