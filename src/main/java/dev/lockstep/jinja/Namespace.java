package dev.lockstep.jinja;

import java.util.LinkedHashMap;
import java.util.Map;

/** What {@code namespace()} gives: the only object whose attributes a template can set, from within any scope. */
final class Namespace {
    final Map<String, Object> attributes = new LinkedHashMap<>();
}
