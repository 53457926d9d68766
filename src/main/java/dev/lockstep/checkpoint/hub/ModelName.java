package dev.lockstep.checkpoint.hub;

import java.util.Optional;
import java.util.regex.Pattern;

import dev.lockstep.host.Printable;
import dev.lockstep.host.UsageException;

/**
 * A model on the hub.
 *
 * @param id       {@code org/name}, or {@code name} alone for a few old models
 * @param revision a branch, a tag or a commit; may hold slashes
 */
record ModelName(String id, String revision) {
    static final String MAIN = "main";

    private static final int LONGEST = 96;
    /** As huggingface_hub's own; none can name a file outside the cache. */
    private static final String PART = "[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,94}[A-Za-z0-9_])?";
    private static final Pattern ID = Pattern.compile("(?:" + PART + "/)?" + PART);
    private static final Pattern REVISION = Pattern.compile("[A-Za-z0-9_.+-]+(?:/[A-Za-z0-9_.+-]+)*");
    private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");
    private static final Pattern DOTS = Pattern.compile("(?:^|.*/)\\.{1,2}(?:/.*|$)");

    /**
     * Reads {@code org/name[@revision]}.
     *
     * @return empty where no model can have that name
     * @throws UsageException when the model could be one but the revision could not
     */
    static Optional<ModelName> parse(String text) {
        int at = text.indexOf('@');
        String id = at < 0 ? text : text.substring(0, at);
        if (!ID.matcher(id).matches() || id.contains("--") || id.contains("..") || id.endsWith(".git")) {
            return Optional.empty();
        }
        String revision = at < 0 ? MAIN : text.substring(at + 1);
        if (revision.length() > 2 * LONGEST || !REVISION.matcher(revision).matches()
                || DOTS.matcher(revision).matches()) {
            throw new UsageException(Printable.cut(text) + ": what follows @ must be a branch, a tag or a commit of "
                    + id + ", as in " + id + "@main");
        }
        return Optional.of(new ModelName(id, revision));
    }

    /** Whether the text is the whole of a commit's name. */
    static boolean isCommit(String text) {
        return COMMIT.matcher(text).matches();
    }

    /** The model's directory in the cache. */
    String folder() {
        return "models--" + id.replace("/", "--");
    }

    /** As users write it. */
    @Override
    public String toString() {
        return revision.equals(MAIN) ? id : id + "@" + revision;
    }
}
