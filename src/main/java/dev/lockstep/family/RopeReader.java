package dev.lockstep.family;

import java.util.ArrayList;
import java.util.List;

import com.fasterxml.jackson.databind.JsonNode;

import dev.lockstep.host.Printable;
import dev.lockstep.model.JsonFile;
import dev.lockstep.model.Rope;

/** Reads the parts of {@code config.json} that are about rotary position embedding. */
final class RopeReader {
    private final JsonFile json;
    private final Family family;
    private final int headDim;

    RopeReader(JsonFile json, Family family, int headDim) {
        this.json = json;
        this.family = family;
        this.headDim = headDim;
    }

    /** The one of layers that are all alike. */
    Rope rope() {
        // transformers 5 writes rope_parameters, and where a file has both it takes the older rope_scaling
        JsonFile given = json.object("rope_scaling").or(() -> json.object("rope_parameters"))
                .orElseGet(() -> json.with(JsonFile.JSON.createObjectNode()));
        given.object().properties().forEach(entry -> {
            if (entry.getValue().isObject()) {
                throw json.fault("rope_parameters by kind of layer (" + entry.getKey() + ") are not supported.");
            }
        });
        return rope(given,
                given.number("rope_theta").or(() -> json.number(family.key("rope_theta")))
                        .orElse(family.defaults().theta()));
    }

    /** That of the layers of one kind, where each kind has its own: theta and scaling are of those without a window. */
    Rope ofKind(String kind) {
        boolean full = kind.equals("full_attention");
        JsonFile none = json.with(JsonFile.JSON.createObjectNode());
        JsonFile given = json.object("rope_parameters").flatMap(kinds -> kinds.object(kind)).orElse(none);
        if (full) {
            given = json.object("rope_scaling").orElse(given);
        }
        boolean own = !full && family.ropeForm().localTheta() > 0;
        double theta = json.number(own ? "rope_local_base_freq" : "rope_theta")
                .orElse(own ? family.ropeForm().localTheta() : family.defaults().theta());
        return rope(given, given.number("rope_theta").orElse(theta));
    }

    private Rope rope(JsonFile given, double theta) {
        if (theta <= 0) {
            throw json.fault("rope_theta must be above 0, not " + theta + ".");
        }
        String type = given.text("rope_type").or(() -> given.text("type")).orElse("default");
        if (family.ropeForm().olderNames() && (type.equals("su") || type.equals("yarn"))) {
            type = "longrope"; // its names in older files
        }
        int width = width(given);
        if (type.equals("dynamic") && given.has("alpha")) {
            // Hunyuan's: another base, whatever the length
            double alpha = factor(given, "alpha");
            return new Rope(theta * Math.pow(alpha, headDim / (headDim - 2.0)), width, new Rope.Plain());
        }
        return new Rope(theta, width, switch (type) {
            // three positions a token, which are one where there is text alone
            case "default", "mrope" -> new Rope.Plain();
            case "linear" -> new Rope.Linear(factor(given, "factor"), family.ropeForm().reaches());
            case "llama3" -> llama3(given);
            case "yarn" -> yarn(given);
            case "longrope" -> longRope(given, width);
            case "dynamic" -> new Rope.Dynamic(factor(given, "factor"), positions());
            default -> throw json
                    .fault("rope type \"" + Printable.cut(type) + "\" is not supported; supported are default, "
                            + "linear, llama3, yarn, longrope and dynamic.");
        });
    }

    /** What the file says how many there may be. */
    int positions() {
        return json.positive(family.key("max_position_embeddings")).orElse(family.defaults().contextLength());
    }

    private int width(JsonFile given) {
        double partial = family.ropeForm().partial();
        double rotated = given.number("partial_rotary_factor")
                .or(() -> json.number(family.key("partial_rotary_factor")))
                .orElse(partial == 0 ? 1 : partial);
        if (rotated != 1 && partial == 0) {
            throw json.fault("partial_rotary_factor " + rotated + " is not supported; supported is 1.");
        }
        int width = (int) (headDim * rotated);
        if (width <= 0 || width > headDim || width % 2 != 0) {
            throw json.fault("partial_rotary_factor " + rotated + " of a head's width of " + headDim
                    + " must be an even number of dimensions.");
        }
        return width;
    }

    private Rope.Llama3 llama3(JsonFile given) {
        double low = factor(given, "low_freq_factor");
        double high = factor(given, "high_freq_factor");
        if (low >= high) {
            throw json.fault("low_freq_factor " + low + " must be below high_freq_factor " + high + ".");
        }
        String key = "original_max_position_embeddings";
        int original = given.positive(key).orElseThrow(() -> json.fault(key + " is missing."));
        return new Rope.Llama3(factor(given, "factor"), low, high, original);
    }

    private Rope.Yarn yarn(JsonFile given) {
        int original = original(given);
        double factor = factor(given, original);
        double weight = given.number("mscale").orElse(0.0);
        double all = given.number("mscale_all_dim").orElse(0.0);
        double usual = weight != 0 && all != 0
                ? Rope.Yarn.magnitude(factor, weight) / Rope.Yarn.magnitude(factor, all)
                : Rope.Yarn.magnitude(factor, 1);
        return new Rope.Yarn(factor, original, either(given, "beta_fast", 32), either(given, "beta_slow", 1),
                given.number("attention_factor").orElse(usual), given.flag("truncate").orElse(true));
    }

    private Rope.LongRope longRope(JsonFile given, int width) {
        int original = original(given);
        double factor = factor(given, original);
        return new Rope.LongRope(factors(given, "short_factor", width), factors(given, "long_factor", width), original,
                given.number("attention_factor").orElse(Rope.LongRope.magnitude(factor, original)));
    }

    /** How far the context is stretched, where the file says it or by what it was before. */
    private double factor(JsonFile given, int original) {
        return given.has("factor") ? factor(given, "factor") : (double) positions() / original;
    }

    /** Positions before the stretching; transformers takes what stands outside of the scaling first. */
    private int original(JsonFile given) {
        String key = "original_max_position_embeddings";
        if (family.ropeForm().olderNames()) {
            return json.positive(key).orElse(4096);
        }
        return json.positive(key).or(() -> given.positive(key)).orElseGet(this::positions);
    }

    private List<Double> factors(JsonFile given, String key, int width) {
        JsonNode values = given.array(key).orElseThrow(() -> json.fault(key + " of the rope scaling is missing."));
        List<Double> factors = new ArrayList<>();
        for (JsonNode value : values) {
            if (!value.isNumber() || !(value.doubleValue() > 0) || !Double.isFinite(value.doubleValue())) {
                throw json.fault(key + " of the rope scaling must have numbers above 0 only, not "
                        + JsonFile.printable(value) + ".");
            }
            factors.add(value.doubleValue());
        }
        if (factors.size() != width / 2) {
            throw json.fault(key + " of the rope scaling must have " + width / 2 + " numbers, one for each pair of "
                    + "dimensions that turn, not " + factors.size() + ".");
        }
        return factors;
    }

    /** As transformers takes it, 0 is as good as nothing. */
    private static double either(JsonFile given, String key, double otherwise) {
        double value = given.number(key).orElse(otherwise);
        return value == 0 ? otherwise : value;
    }

    private double factor(JsonFile given, String key) {
        double factor = given.number(key).orElseThrow(() -> json.fault(key + " of the rope scaling is missing."));
        if (factor <= 0) {
            throw json.fault(key + " of the rope scaling must be above 0, not " + factor + ".");
        }
        return factor;
    }
}
