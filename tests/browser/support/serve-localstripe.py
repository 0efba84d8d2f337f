"""Serves localstripe, a Stripe of one's own, on 127.0.0.1 and nowhere else.

As it comes it listens to every network and writes what it is given, card numbers too, to a file that all may read. Here
it keeps everything in memory, and ends with whoever started it (with standard input). What it lacks of Stripe, and a test
would be misled by, is added: see `like_stripe`.

Usage: serve-localstripe.py LOG_FILE; it prints `listening on http://127.0.0.1:PORT`.
"""

import asyncio
import logging
import socket
import sys

from aiohttp import web
from localstripe import resources
from localstripe.errors import UserError


def refuse_settled(doing, status):
    if status in ('succeeded', 'canceled'):
        message = f'You cannot {doing} this SetupIntent because it has a status of {status}.'
        raise UserError(400, message, {'code': 'setup_intent_unexpected_state'})


def like_stripe():
    attach_of_localstripe = resources.SetupIntent._attach_pm
    confirm_of_localstripe = resources.SetupIntent._api_confirm.__func__
    detach_of_localstripe = resources.PaymentMethod._api_detach.__func__
    create_of_localstripe = resources.SetupIntent.__init__

    # A customer of another account, or of before, is unknown.
    def create(self, *args, customer=None, **kwargs):
        if customer is not None and f'customer:{customer}' not in resources.store:
            raise UserError(400, f"No such customer: '{customer}'", {'code': 'resource_missing', 'param': 'customer'})
        create_of_localstripe(self, *args, customer=customer, **kwargs)
        self.last_setup_error = None

    # A card that is declined leaves the intent open, for the next one.
    def attach(self, payment_method):
        try:
            attach_of_localstripe(self, payment_method)
            self.last_setup_error = None
        except UserError as error:
            self.status = 'requires_payment_method'
            self.payment_method = None
            error.body['error'].update(type='card_error', decline_code='generic_decline')
            self.last_setup_error = dict(error.body['error'])
            raise

    # What was set up belongs to the customer, and is set up once.
    def confirm(cls, id, **data):
        refuse_settled('confirm', cls._api_retrieve(id).status)
        intent = confirm_of_localstripe(cls, id, **data)
        if intent.status == 'succeeded' and intent.customer is not None:
            resources.PaymentMethod._api_attach(intent.payment_method, customer=intent.customer)
        return intent

    # Failing to authenticate leaves the intent open too. localstripe's page asks for that by the way of `cancel`.
    cancel_of_localstripe = resources.SetupIntent._api_cancel.__func__

    def cancel(cls, id, **data):
        status = cls._api_retrieve(id).status
        refuse_settled('cancel', status)
        failed = data.get('use_stripe_sdk') and status == 'requires_action'
        intent = cancel_of_localstripe(cls, id, **data)
        if failed:
            intent.status = 'requires_payment_method'
            intent.payment_method = None
            intent.last_setup_error = {
                'code': 'setup_intent_authentication_failure',
                'message': 'We are unable to authenticate your payment method.',
                'type': 'invalid_request_error',
            }
        return intent

    def detach(cls, id, **data):
        if cls._api_retrieve(id).customer is None:
            raise UserError(400, 'The payment method you provided is not attached to a customer so detachment is '
                                 'impossible.')
        return detach_of_localstripe(cls, id, **data)

    resources.SetupIntent.__init__ = create
    resources.SetupIntent._attach_pm = attach
    routes = {('POST', '/v1/setup_intents/{id}/confirm'): (resources.SetupIntent, confirm),
              ('POST', '/v1/setup_intents/{id}/cancel'): (resources.SetupIntent, cancel),
              ('POST', '/v1/payment_methods/{id}/detach'): (resources.PaymentMethod, detach)}
    for at, (method, path, _) in enumerate(resources.extra_apis):
        if (method, path) in routes:
            cls, function = routes[method, path]
            resources.extra_apis[at] = (method, path, classmethod(function).__get__(None, cls))


async def serve(app, log_file):
    logging.basicConfig(filename=log_file, level=logging.INFO)
    runner = web.AppRunner(app)
    await runner.setup()
    listener = socket.socket()
    listener.bind(('127.0.0.1', 0))
    await web.SockSite(runner, listener).start()
    print('listening on http://%s:%d' % listener.getsockname(), flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await runner.cleanup()


def main():
    resources.Store.dump_to_disk = resources.Store.try_load_from_disk = lambda self: None
    like_stripe()
    # Its routes are made when this is imported.
    from localstripe.server import app
    asyncio.run(serve(app, sys.argv[1]))


main()
